// What a browser complains about while nobody looks at its console: errors, refused resources, violations of the content
// security policy, requests that failed. A story ends with none.
import { expect, type BrowserContext } from '@playwright/test';

export class Watch {
  private readonly complaints: string[] = [];
  private readonly expected: RegExp[] = [];

  /** Watches every page of a context from its first moment on. */
  static async over(context: BrowserContext): Promise<Watch> {
    const watch = new Watch();
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        console.error(`content security policy: ${event.violatedDirective} refused ${event.blockedURI || event.sample} in ${event.sourceFile}:${event.lineNumber}`);
      });
    });
    context.on('console', (message) => {
      if (message.type() !== 'error' && message.type() !== 'warning') return;
      // A refused answer is noted once, by its status below.
      if (/^Failed to load resource: the server responded/.test(message.text())) return;
      watch.note(`${message.type()} on ${message.page()?.url()}: ${message.text()}`);
    });
    context.on('weberror', (thrown) => watch.note(`thrown on ${thrown.page()?.url()}: ${thrown.error().message}`));
    context.on('requestfailed', (request) => {
      const why = request.failure()?.errorText ?? '';
      // Leaving a page ends what it was still asking for.
      if (why !== 'net::ERR_ABORTED') watch.note(`${why} for ${request.method()} ${request.url()}`);
    });
    context.on('response', (response) => {
      if (response.status() >= 400) watch.note(`${response.status()} for ${response.request().method()} ${response.url()}`);
    });
    return watch;
  }

  /** A refusal that the story provokes on purpose. */
  expecting(complaint: RegExp): void {
    this.expected.push(complaint);
  }

  private note(complaint: string): void {
    if (!this.expected.some((one) => one.test(complaint))) this.complaints.push(complaint);
  }

  /** Fails with everything that was complained about. */
  nothing(): void {
    expect(this.complaints).toEqual([]);
  }
}
