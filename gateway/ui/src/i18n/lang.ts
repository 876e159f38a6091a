/** Languages of the portal. */
export type Lang = 'zh' | 'en';

/** Texts by key: Chinese, then English. A text without its twin does not compile. */
export type Texts = Record<string, readonly [zh: string, en: string]>;
