import { useI18n } from '../i18n';
import { districtName } from '../lib/districts';
import { classes } from '../lib/plan-form';

/** Name of a stratum: a district, a credit class, both, all, or the rest. */
export function useStratumName(): (stratum: string) => string {
  const { t, tEnum, lang } = useI18n();
  return (stratum) => {
    if (stratum === 'all') return t('plans.stratumAll');
    if (stratum === '*') return t('plans.stratumRest');
    const [district, creditClass] = stratum.includes('/') ? stratum.split('/') : classes.some((one) => one === stratum) ? [undefined, stratum] : [stratum, undefined];
    return [district && districtName(district, lang), creditClass && tEnum('plans.class.', creditClass)].filter(Boolean).join(' ');
  };
}
