import { Button } from 'antd';
import { useI18n } from '../i18n';

/** The platform's own sign; no emblem of the state. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#14598f" />
      <path d="M8 11h16M10 20h12M16 11v13" stroke="#fff" strokeWidth="3" strokeLinecap="round" fill="none" />
    </svg>
  );
}

export function LanguageSwitch() {
  const { t, lang, setLang } = useI18n();
  const other = lang === 'zh' ? 'en' : 'zh';
  return (
    <Button type="text" lang={other === 'zh' ? 'zh-CN' : 'en'} onClick={() => setLang(other)}>
      {t('app.language')}
    </Button>
  );
}
