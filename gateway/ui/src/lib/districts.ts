import type { Lang } from '../i18n/lang';
import table from './districts.json';

/** Codes of the nine districts and counties of Kaifeng (GB/T 2260), in their order. */
export const districtCodes: readonly string[] = table.map((row) => row.code);

const byCode = new Map([...table, { code: '410200', zh: '开封市', en: 'Kaifeng' }].map((row) => [row.code, row]));

/** Name of a district, or the code itself where it is not one of ours. */
export function districtName(code: string, lang: Lang): string {
  return byCode.get(code)?.[lang] ?? code;
}
