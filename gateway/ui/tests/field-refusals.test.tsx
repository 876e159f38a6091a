import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { App, Form, Input } from 'antd';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ApiError, type FieldViolation } from '../src/api/errors';
import { Confirm } from '../src/components/confirm';
import { inLanguage, placed } from '../src/components/field-refusals';
import { FormModal } from '../src/components/form-modal';
import { useAct } from '../src/components/use-act';
import { LanguageProvider } from '../src/i18n';

// jsdom measures nothing; a field of several lines asks for it.
vi.stubGlobal('ResizeObserver', class { observe() {} unobserve() {} disconnect() {} });

afterEach(cleanup);

const refusal = (reason: string, violations: FieldViolation[]) => new ApiError(400, 3, reason, '内容不符合要求。', 'The content is wrong.', {}, '', violations, '');

describe('refusals by field', () => {
  const fields = [['title'], ['startDate'], ['teams', 1, 'size'], ['first']];

  it('find the field of the form behind the name in the contract', () => {
    const found = placed(refusal('INVALID', [
      { field: 'plan.start_date', description: '日期不对 / a wrong date' },
      { field: 'teams[1].size', description: '1 to 10' },
      { field: 'leave.first_day', description: '早于今天' },
      { field: 'etag', description: 'x' },
    ]), 'en', fields, { first_day: 'first' });
    expect(found.map(({ place, text }) => [place, text])).toEqual([[['startDate'], 'a wrong date'], [['teams', 1, 'size'], '1 to 10'], [['first'], '早于今天']]);
  });

  it('of a reason that is about one field stand there in the language of the page', () => {
    expect(placed(refusal('LEAVE_OVERLAPS', []), 'en', fields, { LEAVE_OVERLAPS: 'first' })).toMatchObject([{ place: ['first'], text: 'The content is wrong.' }]);
    expect(placed(refusal('OTHER', []), 'zh', fields, { LEAVE_OVERLAPS: 'first' })).toEqual([]);
  });

  it('are read in either language, and whole where there is one', () => {
    expect([inLanguage('须填写 / needed', 'zh'), inLanguage('须填写 / needed', 'en'), inLanguage('1 / 2', 'zh')]).toEqual(['须填写', 'needed', '1 / 2']);
  });
});

function Question({ send }: { send: (content: object) => Promise<void> }) {
  const [form] = Form.useForm<{ title: string; reason: string }>();
  const { busy, error, run } = useAct();
  return (
    <FormModal title="问" okText="送出" form={form} name="question" busy={busy} error={error} onClose={() => undefined} onSubmit={async () => void (await run({}, () => send(form.getFieldsValue())))}>
      <Form.Item name="title" label="名称">
        <Input />
      </Form.Item>
      <Form.Item name="reason" label="理由">
        <Input />
      </Form.Item>
    </FormModal>
  );
}

/** A machine under load takes long to draw a dialog; only one that hangs fails. */
const patience = { timeout: 60_000 };

describe('a form in a dialog', { timeout: 120_000 }, () => {
  it('keeps what was typed when it is refused, says why beside the field and goes there', async () => {
    const send = vi.fn<(content: object) => Promise<void>>(() => Promise.reject(refusal('INVALID', [{ field: 'conflict.reason', description: '太短 / too short' }])));
    render(
      <LanguageProvider>
        <App>
          <Question send={send} />
        </App>
      </LanguageProvider>,
    );
    fireEvent.change(screen.getByLabelText('名称'), { target: { value: '甲' } });
    const button = screen.getByRole('button', { name: /送 ?出/ });
    // What Enter in a field does is the browser's: it presses the form's own button.
    expect([button.getAttribute('type'), button.getAttribute('form')]).toEqual(['submit', 'question']);
    fireEvent.submit(screen.getByLabelText('名称').closest('form') as HTMLFormElement);
    const said = await screen.findByText('太短', {}, patience);
    const reason = screen.getByLabelText('理由');
    expect(said.closest('.ant-form-item')).toBe(reason.closest('.ant-form-item'));
    await waitFor(() => expect(document.activeElement).toBe(reason), patience);
    expect(screen.getByLabelText<HTMLInputElement>('名称').value).toBe('甲');

    send.mockImplementation(() => Promise.resolve());
    fireEvent.submit(reason.closest('form') as HTMLFormElement);
    await waitFor(() => expect(screen.queryByText('太短')).toBeNull(), patience);
    expect(send).toHaveBeenCalledTimes(2);
  });
});

describe('a question with a reason', { timeout: 120_000 }, () => {
  it('keeps the reason that is refused, says why beside it and goes there', async () => {
    const act = vi.fn<(requestId: string, reason: string) => Promise<void>>(() => Promise.reject(refusal('INVALID', [{ field: 'reason', description: '不得含身份证号 / no identity numbers' }])));
    const closed = vi.fn();
    render(
      <LanguageProvider>
        <App>
          <Confirm open title="退回" okText="退回计划" reason onClose={closed} act={act} />
        </App>
      </LanguageProvider>,
    );
    const reason = screen.getByRole<HTMLTextAreaElement>('textbox');
    fireEvent.change(reason, { target: { value: '依据有误' } });
    fireEvent.click(screen.getByRole('button', { name: '退回计划' }));
    const said = await screen.findByText('不得含身份证号', {}, patience);
    expect(said.closest('.ant-form-item')).toBe(reason.closest('.ant-form-item'));
    await waitFor(() => expect(document.activeElement).toBe(reason), patience);
    expect([reason.value, closed.mock.calls.length]).toEqual(['依据有误', 0]);

    act.mockImplementation(() => Promise.resolve());
    fireEvent.change(reason, { target: { value: '依据已废止' } });
    await waitFor(() => expect(screen.queryByText('不得含身份证号')).toBeNull(), patience);
    fireEvent.click(screen.getByRole('button', { name: '退回计划' }));
    await waitFor(() => expect(closed).toHaveBeenCalledOnce(), patience);
    expect(act.mock.calls.map(([, words]) => words)).toEqual(['依据有误', '依据已废止']);
  });
});
