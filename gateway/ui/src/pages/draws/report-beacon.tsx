import { App, Button, Form, Input } from 'antd';
import { useState } from 'react';
import { call } from '../../api/client';
import type { Draw } from '../../api/contract/draws';
import { ErrorPanel } from '../../components/error-panel';
import { Section } from '../../components/page';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { beaconKind, isDrandValue, lotteryValue } from '../../lib/beacon';
import { beaconOf } from '../../lib/draw-state';

/** Typing the beacon's value once it exists. A demonstration beacon needs nobody. */
export function ReportBeacon({ draw, onTyped }: { draw: Draw; onTyped: (draw: Draw) => void }) {
  const { t } = useI18n();
  const { message } = App.useApp();
  const { busy, error, run } = useAct();
  const beacon = beaconOf(draw)?.contributor ?? '';
  const lottery = beaconKind(beacon) === 'lottery';
  const [red, setRed] = useState<readonly string[]>(['', '', '', '', '', '']);
  const [blue, setBlue] = useState('');
  const [signature, setSignature] = useState('');
  const [tried, setTried] = useState(false);
  const value = lottery ? lotteryValue(red, blue) : isDrandValue(signature.trim().toLowerCase()) ? signature.trim().toLowerCase() : null;

  const send = async () => {
    setTried(true);
    if (value === null) return;
    const content = { name: draw.name, value };
    await run(content, async (requestId) => {
      onTyped(await call('Draws.ReportBeacon', { ...content, requestId }));
      void message.success(t('draw.reported'));
    });
  };

  return (
    <Section title={`${t('draw.reportBeacon')}：${beacon}`} lead={t(lottery ? 'draw.reportTwice' : 'draw.reportOnce')}>
      {lottery ? (
        <fieldset className="dice">
          <legend className="visually-hidden">{t('draw.reportBeacon')}</legend>
          {red.map((text, at) => (
            <label key={at} className="die">
              <small>{t('draw.red', { n: at + 1 })}</small>
              <Input inputMode="numeric" maxLength={2} value={text} onChange={(event) => setRed(red.map((old, i) => (i === at ? event.target.value : old)))} />
            </label>
          ))}
          <label className="die">
            <small>{t('draw.blue')}</small>
            <Input inputMode="numeric" maxLength={2} value={blue} onChange={(event) => setBlue(event.target.value)} />
          </label>
        </fieldset>
      ) : (
        <Form layout="vertical">
          <Form.Item label={t('draw.drandValue')} htmlFor="drand-value" extra={t('draw.drandHint')}>
            <Input.TextArea id="drand-value" rows={2} maxLength={120} value={signature} onChange={(event) => setSignature(event.target.value)} />
          </Form.Item>
        </Form>
      )}
      {tried && value === null && <p role="alert" className="due-over">{t('draw.beaconWrong')}</p>}
      {error && <ErrorPanel error={error} />}
      <div className="form-acts">
        <Button type="primary" loading={busy} onClick={() => void send()}>
          {t('draw.reportBeacon')}
        </Button>
      </div>
    </Section>
  );
}
