import type { FormInstance } from 'antd';
import { useEffect, useState } from 'react';
import type { ApiError, FieldViolation } from '../api/errors';
import { useI18n, type Lang } from '../i18n';

/** Where a field of a form stands: its name, or the names and numbers that lead to it. */
export type Place = string | readonly (string | number)[];

/** Fields of the contract, or reasons of refusals, with the fields of the form they are about; those that are called alike need not be named. */
export type Places = Readonly<Record<string, Place>>;

/** The part of a sentence pair, `zh / en`, that is in a language. */
export function inLanguage(text: string, lang: Lang): string {
  const parts = text.split(' / ');
  return (parts.length === 2 && /[\u4e00-\u9fff]/.test(parts[0] ?? '') ? parts[lang === 'zh' ? 0 : 1] : undefined) ?? text;
}

/** What is refused field by field, and what about: `teams[1].size` and `plan.start_date` as the form has them. */
export function placed(error: ApiError, lang: Lang, fields: readonly (readonly (string | number)[])[], places: Places = {}): { place: readonly (string | number)[]; text: string; violation?: FieldViolation }[] {
  const known = new Map(fields.map((field) => [field.join('.'), field]));
  const find = (place: Place | undefined) => (place === undefined ? undefined : known.get(typeof place === 'string' ? place : place.join('.')));
  const found = error.violations.flatMap((violation) => {
    const path = violation.field.replace(/\[(\d+)\]/g, '.$1').split('.');
    // The request's own name of the message, such as `plan.`, is no part of a form.
    const ways = path.map((_, from) => path.slice(from));
    const place = ways.map((way) => find(places[way.join('.')]) ?? find(way.map(camel))).find((one) => one !== undefined);
    return place ? [{ place, text: inLanguage(violation.description, lang), violation }] : [];
  });
  const about = error.violations.length === 0 ? find(places[error.reason]) : undefined;
  return about ? [...found, { place: about, text: lang === 'zh' ? error.messageZh : error.messageEn }] : found;
}

const camel = (snake: string) => snake.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/**
 * Puts what the service refuses beside the fields it is about, and the focus into the first of them. What was typed stays. Answers
 * what stands there, so that it is not said twice.
 */
export function useFieldRefusals<Values>(form: FormInstance<Values>, error: ApiError | undefined, places?: Places): readonly FieldViolation[] {
  const { lang } = useI18n();
  const [beside, setBeside] = useState<readonly FieldViolation[]>([]);
  useEffect(() => {
    if (!error) return undefined;
    const plain = form as FormInstance<unknown>;
    const fields = plain.getFieldsError().map((field) => field.name);
    const refused = placed(error, lang, fields, places);
    setBeside(refused.flatMap(({ violation }) => violation ?? []));
    const first = refused[0];
    if (!first) {
      // What is about no field is said in the panel, which may be out of sight. Not every place that draws pages scrolls.
      document.querySelector('.error-panel')?.scrollIntoView?.({ block: 'nearest' });
      return undefined;
    }
    plain.setFields(refused.map(({ place, text }) => ({ name: [...place], errors: [text] })));
    plain.scrollToField([...first.place], { focus: true, block: 'center' });
    return () => plain.setFields(refused.map(({ place }) => ({ name: [...place], errors: [] })));
    // `places` is written anew with every rendering and says the same.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [form, error, lang]);
  return beside;
}

/**
 * The same for a dialog that keeps its few values itself: what is refused about each of them, by name, and the focus goes into the
 * first. `inputs` are the names with the ids of their inputs.
 */
export function useInputRefusals(error: ApiError | undefined, inputs: Readonly<Record<string, string>>, places?: Places): { about: (name: string) => string | undefined; beside: readonly FieldViolation[] } {
  const { lang } = useI18n();
  const refused = error ? placed(error, lang, Object.keys(inputs).map((name) => [name]), places) : [];
  const first = refused[0]?.place.join('.');
  const id = first === undefined ? undefined : inputs[first];
  useEffect(() => {
    const found = error && id ? document.getElementById(id) : null;
    // Of a group of choices the first.
    (found?.querySelector('input') ?? found)?.focus();
  }, [error, id]);
  return {
    about: (name) => refused.find(({ place }) => place.join('.') === name)?.text,
    beside: refused.flatMap(({ violation }) => violation ?? []),
  };
}
