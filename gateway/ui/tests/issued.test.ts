import { describe, expect, it } from 'vitest';
import { readIssued } from '../src/pages/items/issued';

describe('items pasted from a list', () => {
  it('are read from a spreadsheet and from commas of both kinds', () => {
    const sheet = readIssued('41020000000001\t餐饮服务检查\t后厨\t《食品安全法》第一条，第二条\r\n\n002\t特种设备检查\n');
    expect(sheet.wrong).toEqual([]);
    expect(sheet.items).toEqual([
      { code: '41020000000001', title: '餐饮服务检查', subTitle: '后厨', legalBasis: '《食品安全法》第一条，第二条' },
      { code: '002', title: '特种设备检查', subTitle: '', legalBasis: '' },
    ]);
    expect(readIssued('1，餐饮检查,,《食品安全法》，第一条').items[0]).toEqual({ code: '1', title: '餐饮检查', subTitle: '', legalBasis: '《食品安全法》，第一条' });
  });

  it('are told by line where code or title is missing', () => {
    expect(readIssued('1,甲\n没有编码\n,乙\n3,丙').wrong).toEqual([2, 3]);
    expect(readIssued('  \n').items).toEqual([]);
  });
});
