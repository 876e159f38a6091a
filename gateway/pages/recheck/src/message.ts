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

/** A text from the bundle, cut to a readable length, without control characters. */
export function show(text: string): string {
  const clean = text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
  return clean.length > 80 ? `${clean.slice(0, 77)}...` : clean;
}
