import { Result } from 'antd';
import { useI18n } from '../i18n';

export function NotFound() {
  const { t } = useI18n();
  return <Result status="404" title={t('app.notFound')} subTitle={t('app.notFoundHint')} />;
}
