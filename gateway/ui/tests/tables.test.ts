import { describe, expect, it } from 'vitest';
import { guessColumns, itemFields, subjectFields, toColumnParams } from '../src/lib/columns';
import { csvRows, parseCsv, readHead } from '../src/lib/csv';

const utf8 = (text: string) => new TextEncoder().encode(text);
// 企业名称,注册号 LF 开封,1 LF in GB18030
const gb = Uint8Array.from([0xc6, 0xf3, 0xd2, 0xb5, 0xc3, 0xfb, 0xb3, 0xc6, 0x2c, 0xd7, 0xa2, 0xb2, 0xe1, 0xba, 0xc5, 0x0a, 0xbf, 0xaa, 0xb7, 0xe2, 0x2c, 0x31, 0x0a]);

describe('the head of a file', () => {
  it('is found in UTF-8, with and without byte order mark', () => {
    expect(readHead(utf8('名称,代码\n甲,1\n'), true)).toEqual({ encoding: 'UTF-8', header: ['名称', '代码'], rows: [['甲', '1']] });
    expect(readHead(utf8('\uFEFF名称,代码\r\n甲,1'), true)?.header).toEqual(['名称', '代码']);
  });

  it('is found in GB18030', () => {
    expect(readHead(gb, true)).toEqual({ encoding: 'GB18030', header: ['企业名称', '注册号'], rows: [['开封', '1']] });
  });

  it('survives a character cut in two at the end of what was read', () => {
    expect(readHead(utf8('名称,代码\n甲乙,1').slice(0, -4), false)).toMatchObject({ encoding: 'UTF-8', header: ['名称', '代码'], rows: [] });
    expect(readHead(gb.slice(0, -6), false)).toMatchObject({ encoding: 'GB18030', rows: [] });
  });

  it('is refused for a spreadsheet, for broken bytes and for nothing', () => {
    expect(readHead(Uint8Array.from([0x50, 0x4b, 0x03, 0x04, 0x14, 0x00]), true)).toBeNull();
    expect(readHead(Uint8Array.from([0x61, 0x2c, 0xff, 0xff, 0x0a]), true)).toBeNull();
    expect(readHead(utf8('\n\n'), true)).toBeNull();
  });

  it('keeps commas, quotes and line ends inside quotes', () => {
    expect(parseCsv('a,b\n"x, ""y""\nz",2\n', 9, true)).toEqual([['a', 'b'], ['x, "y"\nz', '2']]);
  });

  it('drops a record that is cut off', () => {
    expect(parseCsv('a,b\n1,2\n3', 9, false)).toEqual([['a', 'b'], ['1', '2']]);
    expect(parseCsv('a,b\n1,2\n3', 9, true)).toHaveLength(3);
  });
});

describe('columns', () => {
  it('are guessed from the headers of real registers', () => {
    expect(guessColumns(['name', 'code', 'reg_authority', 'supervising_office', 'batch', 'check'], subjectFields)).toEqual({ key: 'code', title: 'name' });
    expect(guessColumns(['序号', '统一社会信用代码/注册号', '企业名称', '住所', '行政区划代码'], subjectFields)).toEqual({ key: '统一社会信用代码/注册号', title: '企业名称', address: '住所', district: '行政区划代码' });
  });

  it.each(['信用等级', 'credit_class', '企业信用风险分类'])('know %s as the credit class, not as the credit code', (header) => {
    const guess = guessColumns(['名称', header, '统一社会信用代码'], subjectFields);
    expect(guess).toEqual({ title: '名称', key: '统一社会信用代码', creditClass: header });
    expect(toColumnParams(guess)).toContain(`credit_class=${header}`);
  });

  it.each(['所在区', '区县', '所在区县', '行政区划', '所在县区'])('know %s as the district', (header) => {
    expect(guessColumns(['名称', '代码', header, '住所'], subjectFields).district).toBe(header);
  });

  it('are guessed for lists of items', () => {
    const guess = guessColumns(['source_page', '编号', '抽查事项名称', '抽查子项', '抽查依据', '抽查主体', '抽查对象', '抽查比例', '抽查频次', '抽查方式', '检查人员要求', '备注'], itemFields);
    expect(guess).toMatchObject({ code: '编号', title: '抽查事项名称', subTitle: '抽查子项', legalBasis: '抽查依据', officerDemand: '检查人员要求', remark: '备注' });
    expect(Object.keys(guess)).toHaveLength(11);
  });

  it('never serve two fields', () => {
    const guess = guessColumns(['名称', '代码'], subjectFields);
    expect(new Set(Object.values(guess)).size).toBe(Object.values(guess).length);
  });

  it('are sent as field=header in snake case', () => {
    expect(toColumnParams({ key: 'code', subTitle: '抽查子项', district: undefined })).toEqual(['key=code', 'sub_title=抽查子项']);
  });
});

describe('an exported table', () => {
  it('cannot run as a formula and keeps its cells apart', () => {
    expect(csvRows([['名称', 'n'], ['=cmd()', '1,2'], ['a"b', '-3']], true)).toBe('\uFEFF名称,n\r\n\'=cmd(),"1,2"\r\n"a""b",\'-3\r\n');
  });
});
