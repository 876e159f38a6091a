import { describe, expect, it } from 'vitest';
import { noAnswer, parseError, toApiError } from '../src/api/errors';
import { todoFor } from '../src/components/error-panel';

const stale = JSON.stringify({
  code: 10,
  message: '“plans/2026-07”在您打开之后已由赵审核修改（公布）。请刷新后再办理。',
  details: [
    { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'STALE', domain: 'qingtian', metadata: { name: 'plans/2026-07', who: '赵审核', what: '公布' } },
    { '@type': 'type.googleapis.com/google.rpc.LocalizedMessage', locale: 'en', message: 'plans/2026-07 was changed by 赵审核.' },
  ],
});

describe('refusals', () => {
  it('are read with reason, both languages and who changed what', () => {
    const error = parseError(409, stale);
    expect(error.reason).toBe('STALE');
    expect(error.stale).toBe(true);
    expect(error.messageZh).toContain('赵审核');
    expect(error.messageEn).toContain('was changed by');
    expect(error.metadata['who']).toBe('赵审核');
    expect(error.article).toBe('');
    expect(todoFor(error)).toBe('error.todo.stale');
  });

  it('carry the article apart from the other metadata', () => {
    const error = parseError(400, JSON.stringify({ code: 9, message: '计划尚未公布。', details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'NO_PUBLISHED_PLAN', metadata: { article: '9', plan: 'plans/1' } }] }));
    expect(error.article).toBe('9');
    expect(error.metadata).toEqual({ plan: 'plans/1' });
    expect(error.messageEn).toBe('计划尚未公布。');
    expect(todoFor(error)).toBe('error.todo.state');
  });

  it('name the fields that were wrong', () => {
    const error = parseError(400, JSON.stringify({ code: 3, message: 'x', details: [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field: 'plan.title', description: '必填' }] }] }));
    expect(error.violations).toEqual([{ field: 'plan.title', description: '必填' }]);
    expect(todoFor(error)).toBe('error.todo.input');
  });

  it('are found at the end of a broken stream too', () => {
    expect(parseError(500, JSON.stringify({ error: { code: 13, message: '坏了' } })).messageZh).toBe('坏了');
  });

  it('stay readable when the answer is none of ours', () => {
    const error = parseError(502, '<html>Bad Gateway</html>');
    expect(error.reason).toBe('HTTP_502');
    expect(error.retriable).toBe(true);
    expect(parseError(500, 'null').messageZh).toContain('500');
    expect(parseError(401, '').reason).toBe('NOT_SIGNED_IN');
  });

  it('tell a lost answer from a refusal', () => {
    expect(noAnswer().retriable).toBe(true);
    expect(todoFor(noAnswer())).toBe('error.todo.retry');
    expect(toApiError(new TypeError('boom')).reason).toBe('PAGE_ERROR');
  });
});
