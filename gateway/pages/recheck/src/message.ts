// What is said to a person is said in both languages from the start.

export interface Message {
  readonly zh: string;
  readonly en: string;
}

export type Language = keyof Message;

export const say = (zh: string, en: string): Message => ({ zh, en });

/** Several messages in one. */
export const join = (messages: readonly Message[]): Message =>
  say(messages.map((message) => message.zh).join("；"), messages.map((message) => message.en).join("; "));

const SHOWN_MAX = 80;

/** A text from the bundle, cut to a readable length, without control characters. */
export function show(text: string): string {
  const letters = [...text.slice(0, 2 * SHOWN_MAX + 2)];
  const cut = letters.length > SHOWN_MAX ? `${letters.slice(0, SHOWN_MAX - 3).join("")}...` : letters.join("");
  return cut.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}
