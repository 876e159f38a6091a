// Tables from and to people: the head of a file to be uploaded, and lists taken away as CSV.

/** How many bytes of a file are read to show its head. */
export const headBytesMax = 65_536;

export interface Head {
  encoding: 'UTF-8' | 'GB18030' | 'XLSX';
  /** First row. */
  header: string[];
  /** Rows after it, at most five. */
  rows: string[][];
}

/** Finds encoding and first rows from the first bytes of a CSV file; null when it is neither UTF-8 nor GB18030 text. */
export function readHead(bytes: Uint8Array, whole: boolean): Head | null {
  const utf8 = decode(bytes, 'utf-8', whole);
  const text = utf8 ?? decode(bytes, 'gb18030', whole);
  // Control characters that no table contains mean a spreadsheet or another binary file.
  if (text === null || /[\u0000-\u0008\u000e-\u001f]/.test(text)) return null;
  const records = parseCsv(text.replace(/^\uFEFF/, ''), 6, whole);
  const header = records[0];
  if (!header || header.every((cell) => cell.trim() === '')) return null;
  return { encoding: utf8 === null ? 'GB18030' : 'UTF-8', header: header.map((cell) => cell.trim()), rows: records.slice(1) };
}

/** Decodes strictly; a character cut off at the end of a part of a file is no error. */
function decode(bytes: Uint8Array, encoding: string, whole: boolean): string | null {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes, { stream: !whole });
  } catch {
    return null;
  }
}

/** First records of a CSV text (RFC 4180). A record cut off at the end of a part of a file is left out. */
export function parseCsv(text: string, recordsMax: number, whole: boolean): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  let cell = '';
  let quoted = false;
  const endRecord = () => {
    record.push(cell);
    if (record.length > 1 || record[0] !== '') records.push(record);
    record = [];
    cell = '';
  };
  for (let at = 0; at < text.length && records.length < recordsMax; at += 1) {
    const sign = text[at];
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (text[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else quoted = false;
    } else if (sign === '"' && cell === '') quoted = true;
    else if (sign === ',') {
      record.push(cell);
      cell = '';
    } else if (sign === '\n') endRecord();
    else if (sign !== '\r') cell += sign;
  }
  if (whole && records.length < recordsMax && (cell !== '' || record.length > 0)) endRecord();
  return records;
}

/** Rows as CSV for a spreadsheet: CRLF, no cell that would run as a formula, and at the beginning of a file the byte order mark. */
export function csvRows(rows: readonly (readonly string[])[], first = false): string {
  const write = (cell: string) => {
    const safe = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return (first ? '\uFEFF' : '') + rows.map((row) => `${row.map(write).join(',')}\r\n`).join('');
}

/** Hands the parts of a text to the browser as one file. */
export function saveParts(fileName: string, parts: string[]): void {
  const url = URL.createObjectURL(new Blob(parts, { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
