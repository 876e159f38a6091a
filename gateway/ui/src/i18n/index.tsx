// The portal speaks Chinese first and English by switch; every text has both, or it does not compile.
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';
import dayjs from 'dayjs';
import 'dayjs/locale/zh-cn';
import type { Lang } from './lang';
import { admin } from './texts/admin';
import { chains } from './texts/chains';
import { claims } from './texts/claims';
import { clocks } from './texts/clocks';
import { common } from './texts/common';
import { draws } from './texts/draws';
import { items } from './texts/items';
import { caps } from './texts/caps';
import { people } from './texts/people';
import { plans } from './texts/plans';
import { proofs } from './texts/proofs';
import { recusals } from './texts/recusals';
import { register } from './texts/register';
import { machines } from './texts/machines';
import { witnesses } from './texts/witnesses';
import { work } from './texts/work';

export type { Lang } from './lang';

/** All texts. */
export const texts = { ...common, ...work, ...items, ...plans, ...draws, ...chains, ...recusals, ...proofs, ...register, ...witnesses, ...people, ...caps, ...admin, ...machines, ...clocks, ...claims };
export type TextKey = keyof typeof texts;
export type Translate = (key: TextKey, values?: Readonly<Record<string, string | number>>) => string;

interface Language {
  lang: Lang;
  t: Translate;
  /** Text of an enum value, such as `plans.state.` and `PLAN_STATE_DRAFT`; the bare value where there is none yet. */
  tEnum: (prefix: string, value: string) => string;
  setLang: (lang: Lang) => void;
}

const LanguageContext = createContext<Language | null>(null);
const stored = 'qingtian.lang';

/** Text of a key with its `{placeholders}` filled. */
export function translate(lang: Lang, key: TextKey, values: Readonly<Record<string, string | number>> = {}): string {
  return texts[key][lang === 'zh' ? 0 : 1].replace(/\{(\w+)\}/g, (whole, name: string) => (values[name] === undefined ? whole : String(values[name])));
}

function readStored(): Lang {
  try {
    return localStorage.getItem(stored) === 'en' ? 'en' : 'zh';
  } catch {
    return 'zh';
  }
}

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [lang, setLangState] = useState<Lang>(readStored);

  // Before the children render, so that date pickers find their locale.
  dayjs.locale(lang === 'zh' ? 'zh-cn' : 'en');

  useEffect(() => {
    document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en';
  }, [lang]);

  const setLang = useCallback((next: Lang) => {
    setLangState(next);
    try {
      localStorage.setItem(stored, next);
    } catch {
      // Without storage the choice lasts until the page is left.
    }
  }, []);

  const value = useMemo<Language>(
    () => ({
      lang,
      setLang,
      t: (key, values) => translate(lang, key, values),
      tEnum: (prefix, name) => (prefix + name in texts ? translate(lang, (prefix + name) as TextKey) : name),
    }),
    [lang, setLang],
  );
  return <LanguageContext value={value}>{children}</LanguageContext>;
}

export function useI18n(): Language {
  const value = useContext(LanguageContext);
  if (!value) throw new Error('useI18n outside of LanguageProvider');
  return value;
}
