// Items pasted from a superior's list, one a line.

export interface IssuedItem {
  code: string;
  title: string;
  subTitle: string;
  legalBasis: string;
}

/**
 * Reads lines of code, title, sub-item and legal basis, between tabs as a spreadsheet copies them, or commas. The first two are needed;
 * lines without them are answered by their number.
 */
export function readIssued(text: string): { items: IssuedItem[]; wrong: number[] } {
  const items: IssuedItem[] = [];
  const wrong: number[] = [];
  text.split(/\r?\n/).forEach((line, place) => {
    if (line.trim() === '') return;
    const [code = '', title = '', subTitle = '', ...basis] = line.split(line.includes('\t') ? '\t' : /[,，]/).map((part) => part.trim());
    if (code === '' || title === '') wrong.push(place + 1);
    else items.push({ code, title, subTitle, legalBasis: basis.join('，') });
  });
  return { items, wrong };
}
