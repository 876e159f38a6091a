// The content security policy lets style elements in only with the page's nonce. Ant Design puts it on its own styles;
// the scroll lock below its dialogs does not, so every style element made by a script of this page gets it here.

/** The nonce of this page, empty in development. */
export const nonce = document.querySelector('meta[name="csp-nonce"]')?.getAttribute('content') ?? '';

if (nonce) {
  const create = document.createElement.bind(document) as (tag: string, options?: ElementCreationOptions) => HTMLElement;
  document.createElement = ((tag: string, options?: ElementCreationOptions) => {
    const element = create(tag, options);
    if (element instanceof HTMLStyleElement) element.nonce = nonce;
    return element;
  }) as typeof document.createElement;
}
