// @vitest-environment node
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isArchive, readXlsxHead } from '../src/lib/xlsx';

// The files the server is tested with, written by two other programs.
const fixture = (name: string) => readFileSync(new URL(`../../../services/kit/src/sheet/xlsx/fixtures/${name}`, import.meta.url));
const head = (bytes: Uint8Array) => readXlsxHead(new Blob([Uint8Array.from(bytes)]));

describe('the head of a workbook', () => {
  it('is found with texts in the cells, past an empty and a hidden sheet', async () => {
    const found = await head(fixture('openpyxl.xlsx'));
    expect(found?.encoding).toBe('XLSX');
    expect(found?.header).toEqual(['名称', '代码', '增减', '成立日期', '比例']);
    expect(found?.rows).toHaveLength(5);
    expect(found?.rows[0]?.slice(0, 3)).toEqual(['开封某厂', '91350100M000100Y43', '-3.5']);
    expect(found?.rows[4]?.[0]).toBe(' 带 "引号",与逗号\n和换行 & <尖括号> 𠮷');
  });

  it('is found with shared texts', async () => {
    const found = await head(fixture('xlsxwriter.xlsx'));
    expect(found?.header).toEqual(['名称', '代码', '增减', '成立日期', '比例']);
    expect(found?.rows[0]?.slice(0, 3)).toEqual(['甲 & 乙', 'A1', '1']);
  });

  it('is refused wherever the file was cut or damaged, and never throws', async () => {
    const whole = fixture('openpyxl.xlsx');
    for (let cut = 0; cut < whole.length; cut += 97) expect(await head(whole.subarray(0, cut))).toBeNull();
    for (let at = 0; at < whole.length; at += 61) {
      const damaged = Uint8Array.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 0xff;
      await head(damaged);
    }
  });

  it('is looked for in archives only', () => {
    expect(isArchive(fixture('openpyxl.xlsx'))).toBe(true);
    expect(isArchive(new TextEncoder().encode('PK,代码\n'))).toBe(false);
  });
});
