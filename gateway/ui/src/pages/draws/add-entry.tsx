import { App, Button, Form, Input, Radio } from 'antd';
import { useRef, useState } from 'react';
import { call } from '../../api/client';
import type { Contributor, Draw } from '../../api/contract/draws';
import { ErrorPanel } from '../../components/error-panel';
import { useInputRefusals } from '../../components/field-refusals';
import { Code, Section, TimeLeft } from '../../components/page';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { diceToValue, isEntryValue, rollDice, spreadDice } from '../../lib/dice';
import { useOrganisationTitle } from '../../session';

const pips: Record<string, readonly (readonly [number, number])[]> = {
  1: [[2, 2]],
  2: [[1, 1], [3, 3]],
  3: [[1, 1], [2, 2], [3, 3]],
  4: [[1, 1], [1, 3], [3, 1], [3, 3]],
  5: [[1, 1], [1, 3], [2, 2], [3, 1], [3, 3]],
  6: [[1, 1], [2, 1], [3, 1], [1, 3], [2, 3], [3, 3]],
};

function Face({ value }: { value: string }) {
  return (
    <svg className={value ? 'face' : 'face face-none'} viewBox="0 0 40 40" aria-hidden="true">
      <rect x="1" y="1" width="38" height="38" rx="7" fill="#fff" stroke="#8a97a3" strokeWidth="1.5" />
      {pips[value]?.map(([row, column]) => <circle key={`${row}${column}`} cx={column * 10} cy={row * 10} r="3.6" fill="#14598f" />)}
    </svg>
  );
}

const none = ['', '', '', '', '', ''];

/** Giving the organisation's one entry: six dice, or any other value (art. 15). */
export function AddEntry({ draw, contributor, onGiven }: { draw: Draw; contributor: Contributor; onGiven: (draw: Draw) => void }) {
  const { t } = useI18n();
  const { message } = App.useApp();
  const titleOf = useOrganisationTitle();
  const { busy, error, run, clear } = useAct();
  const [way, setWay] = useState<'dice' | 'free'>('dice');
  const [dice, setDice] = useState<readonly string[]>(none);
  const [byComputer, setByComputer] = useState(false);
  const [free, setFree] = useState('');
  const [tried, setTried] = useState(false);
  const inputs = useRef<(HTMLInputElement | null)[]>([]);
  const refused = useInputRefusals(error, { value: way === 'dice' ? 'entry-die-1' : 'free-entry' });
  const value = way === 'dice' ? diceToValue(dice) : isEntryValue(free) ? free : null;
  const wrong = tried && value === null ? t(way === 'dice' ? 'draw.diceWrong' : 'draw.freeValueWrong') : refused.about('value');

  const type = (at: number, text: string, before: readonly string[] = dice) => {
    const { dice: spread, next } = spreadDice(before, at, text);
    setByComputer(false);
    clear();
    setDice(spread);
    if (next !== at) inputs.current[next]?.focus();
  };

  const give = async () => {
    setTried(true);
    if (value === null) return;
    const content = { name: draw.name, value, statement: draw.statement };
    await run(content, async (requestId) => {
      onGiven(await call('Draws.AddEntry', { ...content, requestId }));
      void message.success(t('draw.entryGiven'));
    });
  };

  return (
    <Section title={`${t('draw.addEntry')}：${titleOf(contributor.contributor)}`} extra={draw.entriesClose && <TimeLeft until={draw.entriesClose} />} lead={t('draw.addEntryLead')}>
      <Radio.Group
        value={way}
        aria-label={t('draw.addEntry')}
        onChange={(event) => {
          clear();
          setWay(event.target.value as 'dice' | 'free');
        }}
        options={[
          { value: 'dice', label: t('draw.dice') },
          { value: 'free', label: t('draw.freeValue') },
        ]}
      />
      {way === 'dice' ? (
        <>
          <fieldset className="dice">
            <legend className="visually-hidden">{t('draw.dice')}</legend>
            {dice.map((face, at) => (
              <div key={at} className="die">
                <input
                  ref={(element) => {
                    inputs.current[at] = element;
                  }}
                  id={`entry-die-${at + 1}`}
                  className="ant-input die-input"
                  value={face}
                  inputMode="numeric"
                  autoComplete="off"
                  aria-label={t('draw.die', { n: at + 1 })}
                  aria-invalid={tried && face === ''}
                  onFocus={(event) => event.target.select()}
                  onChange={(event) => type(at, event.target.value)}
                  onPaste={(event) => {
                    // What is pasted replaces the face; it never stands beside it.
                    event.preventDefault();
                    type(at, event.clipboardData.getData('text'), dice.map((old, i) => (i === at ? '' : old)));
                  }}
                  onKeyDown={(event) => {
                    if (event.key === 'Backspace' && face === '') inputs.current[at - 1]?.focus();
                  }}
                />
                <Face value={face} />
              </div>
            ))}
          </fieldset>
          <p>
            <Button
              onClick={() => {
                clear();
                setDice(rollDice());
                setByComputer(true);
              }}
            >
              {t('draw.diceComputer')}
            </Button>
          </p>
          {byComputer && <p className="muted" role="status">{t('draw.diceComputerNote')}</p>}
          {wrong && <p role="alert" className="due-over">{wrong}</p>}
        </>
      ) : (
        <Form layout="vertical">
          <Form.Item label={t('draw.freeValue')} htmlFor="free-entry" extra={wrong ? undefined : t('draw.freeValueHint')} validateStatus={wrong ? 'error' : ''} help={wrong}>
            <Input
              id="free-entry"
              value={free}
              maxLength={200}
              autoComplete="off"
              onChange={(event) => {
                clear();
                setFree(event.target.value);
              }}
            />
          </Form.Item>
        </Form>
      )}
      <div className="seen">
        <p className="muted">{t('draw.seenStatement')}</p>
        <Code text={draw.statement} label={t('draw.statement')} />
      </div>
      {error && <ErrorPanel error={error} beside={refused.beside} />}
      <div className="form-acts">
        <Button type="primary" size="large" loading={busy} onClick={() => void give()}>
          {t('draw.sendEntry')}
        </Button>
      </div>
    </Section>
  );
}
