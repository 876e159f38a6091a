// Strict JSON: RFC 8785 bytes, and a small description of shapes that collects what is wrong.
import { type Bytes, utf8 } from "./bytes.ts";
import { type Message, say, show } from "./message.ts";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** The RFC 8785 text of a value; throws where a string has half a surrogate pair, which RFC 8785 cannot write. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const members = Object.keys(value).sort(); // by UTF-16 units, as RFC 8785 wants
    return `{${members.map((name) => `${canonical(name)}:${canonical(value[name])}`).join(",")}}`;
  }
  if (typeof value === "string" && /[\ud800-\udfff]/u.test(value)) throw new TypeError("half a surrogate pair");
  return JSON.stringify(value);
}

export interface Parsed {
  /** Undefined if it is not JSON at all. */
  readonly value: Json | undefined;
  readonly problem: Message | null;
}

export function parseJson(bytes: Bytes): Parsed {
  let value: Json;
  let written: Bytes;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)) as Json;
    written = utf8(canonical(value));
  } catch {
    return { value: undefined, problem: say("不是有效的 JSON", "it is not valid JSON") };
  }
  for (let i = 0; i < Math.max(bytes.length, written.length); i++) {
    if (bytes[i] !== written[i]) {
      return {
        value,
        problem: say(
          `第 ${i + 1} 字节起与 RFC 8785 规范写法不同（空白、成员次序、重复成员或数字写法）`,
          `from byte ${i + 1} it differs from its RFC 8785 form (blanks, order of members, a repeated member, or how a number is written)`,
        ),
      };
    }
  }
  return { value, problem: null };
}

/** What is wrong with a value. Where it is `grave`, the value cannot be used at all. */
export class Wrongs {
  readonly messages: Message[] = [];
  grave = false;

  add(message: Message, grave: boolean): void {
    this.messages.push(message);
    this.grave ||= grave;
  }
}

export type Shape = (value: Json, path: string, wrongs: Wrongs) => void;

export const object =
  (members: Readonly<Record<string, Shape>>): Shape =>
  (value, path, wrongs) => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) {
      wrongs.add(say(`${path} 不是对象`, `${path} is not an object`), true);
      return;
    }
    for (const [name, shape] of Object.entries(members)) {
      if (Object.hasOwn(value, name)) shape(value[name], `${path}.${name}`, wrongs);
      else wrongs.add(say(`${path} 缺少成员 ${name}`, `${path} lacks the member ${name}`), true);
    }
    for (const name of Object.keys(value)) {
      if (!Object.hasOwn(members, name)) wrongs.add(say(`${path} 多出成员 ${show(name)}`, `${path} has the extra member ${show(name)}`), false);
    }
  };

export const array =
  (item: Shape): Shape =>
  (value, path, wrongs) => {
    if (!Array.isArray(value)) wrongs.add(say(`${path} 不是数组`, `${path} is not an array`), true);
    else value.forEach((one, i) => item(one, `${path}[${i}]`, wrongs));
  };

export const nullable =
  (shape: Shape): Shape =>
  (value, path, wrongs) => {
    if (value !== null) shape(value, path, wrongs);
  };

export const string =
  (form: (text: string) => boolean): Shape =>
  (value, path, wrongs) => {
    if (typeof value !== "string") wrongs.add(say(`${path} 不是字符串`, `${path} is not a string`), true);
    else if (!form(value)) wrongs.add(say(`${path} 的写法不合规定：${show(value)}`, `${path} has a form that is not allowed: ${show(value)}`), false);
  };

export const boolean: Shape = (value, path, wrongs) => {
  if (typeof value !== "boolean") wrongs.add(say(`${path} 不是 true 或 false`, `${path} is neither true nor false`), true);
};

export const whole: Shape = (value, path, wrongs) => {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    wrongs.add(say(`${path} 不是 0 到 2^53-1 的整数`, `${path} is not a whole number from 0 to 2^53-1`), true);
  }
};
