// What happens at a desk that the story is not about: done through the same interface as the work portal's, by its session.
import { expect } from '@playwright/test';
import { account, baseUrl, type Username } from './city';

interface Refusal {
  reason?: string;
}

export class Desk {
  private constructor(private readonly headers: Record<string, string>) {}

  /** Somebody who has signed in. */
  static async of(username: Username): Promise<Desk> {
    const { password } = account(username);
    const answer = await fetch(`${baseUrl()}/v1/session:signIn`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ username, password }) });
    expect(answer.ok, `${username} signs in`).toBe(true);
    const { csrfToken } = (await answer.json()) as { csrfToken: string };
    const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? '';
    return new Desk({ cookie, 'x-csrf-token': csrfToken, 'content-type': 'application/json' });
  }

  async get<T>(path: string): Promise<T> {
    return this.answered<T>(await fetch(`${baseUrl()}${path}`, { headers: this.headers }), path);
  }

  async post<T>(path: string, body: unknown): Promise<T> {
    return this.answered<T>(await fetch(`${baseUrl()}${path}`, { method: 'POST', headers: this.headers, body: JSON.stringify(body) }), path);
  }

  /** Publishes a draft with another person's hand; answers the plan's name. */
  async publish(draft: object, reviewer: Desk): Promise<string> {
    const plan = await this.post<{ name: string; etag: string }>('/v1/plans', draft);
    const { etag } = await this.post<{ etag: string }>(`/v1/${plan.name}:submit`, { etag: plan.etag });
    await reviewer.post(`/v1/${plan.name}:publish`, { etag });
    return plan.name;
  }

  private async answered<T>(answer: Response, path: string): Promise<T> {
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${(JSON.parse(text) as Refusal).reason ?? ''} ${text}`);
    return JSON.parse(text) as T;
  }
}
