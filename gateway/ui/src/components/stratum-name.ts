import { useI18n } from '../i18n';
import { districtName } from '../lib/districts';

/** Name of a stratum: a district, all, or the rest of the districts. */
export function useStratumName(): (stratum: string) => string {
  const { t, lang } = useI18n();
  return (stratum) => (stratum === 'all' ? t('plans.stratumAll') : stratum === '*' ? t('plans.stratumRest') : districtName(stratum, lang));
}
