// The head of a workbook (XLSX) to be uploaded, read in the browser: of each part only as much as its first rows need. What is
// wrong further down the server says; here everything odd is simply unreadable.
import type { Head } from './csv';

/** Bytes of the directory at the end of the file, unpacked bytes of a small part, of a sheet's beginning and of shared strings. */
const directoryMax = 4 << 20;
const partMax = 1 << 20;
const sheetMax = 1 << 20;
const stringsMax = 16 << 20;
const endBytes = 22;
const rowsMax = 6;
const columnsMax = 1_000;
const sheetsMax = 32;

/** Whether a file that begins so is an archive, as workbooks are. */
export function isArchive(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;
}

/** The first rows of the one visible sheet that holds something; null when the file cannot be read, or several sheets do. */
export async function readXlsxHead(file: Blob): Promise<Head | null> {
  try {
    const archive = await Archive.open(file);
    const main = relationsOf(await archive.text('_rels/.rels', partMax), '').find((one) => one.kind === 'officeDocument')?.target;
    if (!main) return null;
    const [folder, name] = [main.slice(0, main.lastIndexOf('/') + 1), main.slice(main.lastIndexOf('/') + 1)];
    const relations = relationsOf(await archive.text(`${folder}_rels/${name}.rels`, partMax), folder);
    const strings = relations.find((one) => one.kind === 'sharedStrings')?.target;
    const holding: Cell[][][] = [];
    for (const sheet of tags(await archive.text(main, partMax), 'sheet').slice(0, sheetsMax)) {
      const part = relations.find((one) => one.kind === 'worksheet' && one.id === sheet['id'])?.target;
      if (!part || (sheet['state'] ?? 'visible') !== 'visible') continue;
      const rows = rowsOf(await archive.text(part, sheetMax));
      if (rows.length > 0) holding.push(rows);
    }
    if (holding.length !== 1) return null;
    const rows = holding[0] ?? [];
    const last = Math.max(-1, ...rows.flat().map((cell) => (cell.shared ? Number(cell.text) : -1)));
    const shared = last >= 0 && strings ? stringsOf(await archive.text(strings, stringsMax, last + 1)) : [];
    const table = rows.map((row) => {
      const texts: string[] = [];
      for (const cell of row) {
        while (texts.length < cell.column) texts.push('');
        texts.push(cell.shared ? (shared[Number(cell.text)] ?? '') : cell.text);
      }
      return texts;
    });
    const filled = table.filter((row) => row.some((text) => text.trim() !== '')).slice(0, rowsMax);
    const header = filled[0];
    if (!header) return null;
    return { encoding: 'XLSX', header: header.map((text) => text.trim()), rows: filled.slice(1) };
  } catch {
    return null;
  }
}

interface Member {
  at: number;
  packed: number;
  method: number;
}

class Archive {
  private constructor(
    private readonly file: Blob,
    private readonly members: Map<string, Member>,
  ) {}

  static async open(file: Blob): Promise<Archive> {
    const tailAt = Math.max(0, file.size - endBytes - 0xffff);
    const tail = await viewOf(file, tailAt, file.size);
    let end = tail.byteLength - endBytes;
    while (end >= 0 && !(tail.getUint32(end, true) === 0x06054b50 && tail.getUint16(end + 20, true) + end + endBytes === tail.byteLength)) end -= 1;
    if (end < 0) throw new Error('no directory');
    const bytes = tail.getUint32(end + 12, true);
    const start = tail.getUint32(end + 16, true);
    if (bytes > directoryMax) throw new Error('too large a directory');
    const directory = await viewOf(file, start, start + bytes);
    const members = new Map<string, Member>();
    for (let at = 0; at + 46 <= bytes && directory.getUint32(at, true) === 0x02014b50; ) {
      const length = directory.getUint16(at + 28, true);
      const name = new TextDecoder().decode(new Uint8Array(directory.buffer, at + 46, length));
      members.set(name.toLowerCase(), { at: directory.getUint32(at + 42, true), packed: directory.getUint32(at + 20, true), method: directory.getUint16(at + 10, true) });
      at += 46 + length + directory.getUint16(at + 30, true) + directory.getUint16(at + 32, true);
    }
    return new Archive(file, members);
  }

  /** The beginning of a member: at most so many bytes, or up to the given number of shared strings. */
  async text(name: string, bytesMax: number, strings = Infinity): Promise<string> {
    const member = this.members.get(name.toLowerCase());
    if (!member) throw new Error(`${name} is not there`);
    const header = await viewOf(this.file, member.at, member.at + 30);
    const start = member.at + 30 + header.getUint16(26, true) + header.getUint16(28, true);
    const packed = this.file.slice(start, start + member.packed);
    const stream = member.method === 0 ? packed.stream() : packed.stream().pipeThrough(new DecompressionStream('deflate-raw'));
    const reader = stream.getReader();
    const decoder = new TextDecoder();
    let text = '';
    let bytes = 0;
    let seen = 0;
    while (bytes < bytesMax && seen < strings) {
      const { done, value } = await reader.read();
      if (done) return text + decoder.decode();
      bytes += value.byteLength;
      const piece = decoder.decode(value, { stream: true });
      // A closing tag cut in two is counted late, never twice.
      if (strings < Infinity) seen += piece.split(/<\/(?:\w+:)?si>|<(?:\w+:)?si\/>/).length - 1;
      text += piece;
    }
    await reader.cancel();
    return text;
  }
}

async function viewOf(file: Blob, from: number, to: number): Promise<DataView> {
  return new DataView(await file.slice(from, to).arrayBuffer());
}

/** Attributes, without prefixes, of every tag of this name. */
function tags(xml: string, name: string): Record<string, string>[] {
  return [...xml.matchAll(new RegExp(`<(?:\\w+:)?${name}(?=[\\s/>])([^>]*)>`, 'g'))].map((match) => attributesOf(match[1] ?? ''));
}

function attributesOf(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/(?:\w+:)?(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)].map((match) => [match[1] ?? '', plain(match[2] ?? match[3] ?? '')]));
}

function relationsOf(xml: string, folder: string): { id: string; kind: string; target: string }[] {
  return tags(xml, 'Relationship')
    .filter((one) => one['TargetMode'] !== 'External')
    .map((one) => {
      const target = one['Target'] ?? '';
      return { id: one['Id'] ?? '', kind: (one['Type'] ?? '').split('/').pop() ?? '', target: target.startsWith('/') ? target.slice(1) : folder + target };
    });
}

interface Cell {
  column: number;
  text: string;
  /** Whether the text is the number of a shared string. */
  shared: boolean;
}

/** The first rows with a cell that holds something; blank texts among the shared ones are left out later, so a few more. */
function rowsOf(xml: string): Cell[][] {
  const rows: Cell[][] = [];
  for (const row of xml.matchAll(/<(?:\w+:)?row(?=[\s/>])[^>]*?(?:\/>|>(.*?)<\/(?:\w+:)?row>)/gs)) {
    const cells: Cell[] = [];
    let next = 0;
    for (const cell of (row[1] ?? '').matchAll(/<(?:\w+:)?c(?=[\s/>])((?:[^>"']|"[^"]*"|'[^']*')*?)(?:\/>|>(.*?)<\/(?:\w+:)?c>)/gs)) {
      const given = attributesOf(cell[1] ?? '');
      const column = given['r'] ? columnOf(given['r']) : next;
      next = column + 1;
      const inside = cell[2] ?? '';
      const text = given['t'] === 'inlineStr' ? textOf(inside) : plain(/<(?:\w+:)?v(?:\s[^>]*)?>(.*?)<\/(?:\w+:)?v>/s.exec(inside)?.[1] ?? '');
      if (text.trim() !== '' && column < columnsMax) cells.push({ column, text, shared: given['t'] === 's' });
    }
    if (cells.length > 0) rows.push(cells);
    if (rows.length === 4 * rowsMax) break;
  }
  return rows;
}

function stringsOf(xml: string): string[] {
  return [...xml.matchAll(/<(?:\w+:)?si(?=[\s/>])[^>]*?(?:\/>|>(.*?)<\/(?:\w+:)?si>)/gs)].map((match) => textOf(match[1] ?? ''));
}

/** The texts of a string without how it is pronounced. */
function textOf(xml: string): string {
  const spoken = xml.replace(/<(?:\w+:)?rPh[\s>].*?<\/(?:\w+:)?rPh>/gs, '');
  return [...spoken.matchAll(/<(?:\w+:)?t(?:\s[^>]*)?>(.*?)<\/(?:\w+:)?t>/gs)].map((match) => plain(match[1] ?? '')).join('');
}

/** From 0. */
function columnOf(reference: string): number {
  return [...reference.replace(/[^A-Z]/g, '')].reduce((column, letter) => column * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

const named: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function plain(xml: string): string {
  return xml
    .replace(/<!\[CDATA\[(.*?)\]\]>/gs, (_, text: string) => text.replaceAll('&', '&amp;'))
    .replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex?: string, decimal?: string, name?: string) =>
      name ? (named[name] ?? whole) : String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal)),
    )
    .replace(/_x([0-9A-Fa-f]{4})_/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
