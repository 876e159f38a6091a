// Guessing which column of a table holds which field, from the headers in use.

/** Fields of a subject, with headers seen for them; the first match wins. */
export const subjectFields: Record<string, readonly string[]> = {
  key: ['key', 'code', 'uscc', 'credit_code', '统一社会信用代码', '社会信用代码', '信用代码', '统一信用代码', '统一代码', '注册号', '登记号', '代码'],
  title: ['title', 'name', '企业名称', '主体名称', '监管对象名称', '检查对象名称', '对象名称', '单位名称', '市场主体名称', '名称'],
  district: ['district', 'district_code', '行政区划代码', '行政区划', '区划代码', '区划', '所属区县', '所在区县', '所在县区', '区县', '县区', '所在区', '所属区', '辖区'],
  industry: ['industry', 'industry_code', '行业代码', '行业门类', '所属行业', '行业'],
  address: ['address', '住所', '经营场所', '注册地址', '经营地址', '地址'],
  status: ['status', '登记状态', '经营状态', '主体状态', '状态'],
  creditClass: ['credit_class', '信用等级', '信用风险等级', '信用风险分类', '信用分类', '信用类别', '风险分类'],
};

/** Fields of an item, with the headers of the usual lists. */
export const itemFields: Record<string, readonly string[]> = {
  code: ['code', '编号', '事项编码', '事项编号', '序号'],
  title: ['title', '抽查事项名称', '抽查事项', '监管事项', '监管事项名称', '事项名称', '检查事项'],
  subTitle: ['sub_title', '抽查子项', '子项', '子项名称', '监管事项子项名称'],
  legalBasis: ['legal_basis', '抽查依据', '法律依据', '检查依据', '设定依据', '依据'],
  inspectingBody: ['inspecting_body', '抽查主体', '检查主体', '实施主体', '监管主体'],
  subjectScope: ['subject_scope', '抽查对象', '检查对象', '监管对象'],
  ratio: ['ratio', '抽查比例', '比例'],
  frequency: ['frequency', '抽查频次', '检查频次', '频次'],
  method: ['method', '抽查方式', '检查方式', '检查方法', '方式'],
  officerDemand: ['officer_demand', '检查人员要求', '人员要求'],
  remark: ['remark', '备注', '说明'],
  leader: ['leader', '责任领导', '分管领导'],
  undertakingUnit: ['undertaking_unit', '承办机构', '承办单位', '责任单位'],
  handler: ['handler', '具体负责人', '经办人', '承办人'],
};

/** Field to header: exact headers first, then headers that contain a known one of at least two characters. No header serves twice. */
export function guessColumns(header: readonly string[], fields: Record<string, readonly string[]>): Record<string, string> {
  const guess: Record<string, string> = {};
  const free = new Set(header);
  const plain = (text: string) => text.replace(/[\s（）()*：:]/g, '').toLowerCase();
  const passes = [
    (cell: string, known: string) => plain(cell) === plain(known),
    (cell: string, known: string) => known.length >= 2 && /[^\x20-\x7e]/.test(known) && plain(cell).includes(known),
  ];
  for (const matches of passes) {
    for (const [field, names] of Object.entries(fields)) {
      if (guess[field] !== undefined) continue;
      const found = names.flatMap((known) => header.filter((cell) => free.has(cell) && matches(cell, known)))[0];
      if (found !== undefined) {
        guess[field] = found;
        free.delete(found);
      }
    }
  }
  return guess;
}

/** The map as the import methods take it: `field=header`, field names in snake case. */
export function toColumnParams(map: Record<string, string | undefined>): string[] {
  return Object.entries(map).flatMap(([field, header]) => (header ? [`${field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}=${header}`] : []));
}
