import { Alert, App, Button } from 'antd';
import { useState } from 'react';
import { call } from '../../api/client';
import type { Draw } from '../../api/contract/draws';
import { Confirm } from '../../components/confirm';
import { LinkButton } from '../../components/link-button';
import { MayNot } from '../../components/page';
import { useI18n, type TextKey } from '../../i18n';
import { formatSpan, formatTime } from '../../lib/dates';
import { allEntriesIn, isRevealed, missedItsTime, nextInstant } from '../../lib/draw-state';
import { lastPart } from '../../lib/names';
import { useMe, useOrganisationTitle } from '../../session';
import { FollowActs } from './chain';

const counted: Record<'entries' | 'beacon' | 'reveal', TextKey> = { entries: 'draw.countEntries', beacon: 'draw.countBeacon', reveal: 'draw.countReveal' };

function sentence(draw: Draw): TextKey {
  switch (draw.state) {
    case 'DRAW_STATE_UNSPECIFIED':
    case 'DRAW_STATE_CREATED':
      return 'draw.next.created';
    case 'DRAW_STATE_STATED':
    case 'DRAW_STATE_CONTRIBUTING':
      return allEntriesIn(draw) ? 'draw.next.entriesIn' : 'draw.next.stated';
    case 'DRAW_STATE_REVEALED':
      return 'draw.next.revealed';
    case 'DRAW_STATE_DISPATCHED':
      return draw.awaitingTeams.length > 0 ? 'draw.next.awaiting' : 'draw.next.dispatched';
    case 'DRAW_STATE_DONE':
      return 'draw.next.done';
    case 'DRAW_STATE_ABANDONED':
      return 'draw.next.abandoned';
    case 'DRAW_STATE_FAILED':
      return 'draw.next.failed';
  }
}

/** What the draw waits for, the clock, and the acts that are possible now. */
export function DrawNext({ draw, now, set, reload }: { draw: Draw; now: number; set: (draw: Draw) => void; reload: () => void }) {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const titleOf = useOrganisationTitle();
  const { message } = App.useApp();
  const [ask, setAsk] = useState<'state' | 'abandon' | null>(null);
  const own = draw.organisation === me.organisation;
  const { name, etag } = draw;
  const created = draw.state === 'DRAW_STATE_CREATED';
  const abandonable = own && (created || draw.state === 'DRAW_STATE_STATED') && draw.entries.length === 0;
  const missed = missedItsTime(draw, now);
  const instant = nextInstant(draw, now);
  const number = (text: string | number) => Number(text).toLocaleString('en');
  // Before the reveal nobody is drawn; the statement says how many each stratum will give.
  const drawn = isRevealed(draw) ? draw.drawn : draw.strata.reduce((sum, stratum) => sum + Number(stratum.drawn), 0);

  return (
    <>
      <div className="next">
        <div className="next-text">
          <p>{t(missed ? 'draw.next.missed' : sentence(draw))}</p>
          {draw.endReason && (
            <p>
              <strong>{t('draw.endReason')}</strong> {tEnum('draw.end.', draw.endReason)}
            </p>
          )}
          {draw.state === 'DRAW_STATE_FAILED' && own && !draw.replacedBy && <p>{t('draw.failedNext')}</p>}
          {draw.statement !== '' && Number(draw.subjects) > 0 && <p>{t(isRevealed(draw) ? 'draw.pool' : 'draw.willDraw', { pool: number(draw.subjects), drawn: number(drawn) })}</p>}
          {instant && (
            <p className="countdown" role="timer">
              <span>{t(counted[instant.what])}</span>
              <strong>{formatSpan(Date.parse(instant.at) - now, lang)}</strong>
            </p>
          )}
        </div>
        <div className="next-acts">
          {created && !own && !missed && <span className="muted">{t('may.otherUnit', { unit: titleOf(draw.organisation) })}</span>}
          {created && own && !missed && (me.may('Draws.StateDraw') ? <Button type="primary" size="large" onClick={() => setAsk('state')}>{t('draws.doState')}</Button> : <span>{t('draws.doState')}：<MayNot method="Draws.StateDraw" /></span>)}
          {abandonable &&
            (me.may('Draws.AbandonDraw') ? (
              draw.creator === me.user.name ? (
                <span className="muted">{t('draw.abandon')}：{t('may.ownAct')}</span>
              ) : (
                <Button danger onClick={() => setAsk('abandon')}>
                  {t('draw.abandon')}
                </Button>
              )
            ) : (
              <span className="not-projected">{t('draw.abandon')}：<MayNot method="Draws.AbandonDraw" /></span>
            ))}
          <FollowActs draw={draw} />
          {(draw.state === 'DRAW_STATE_DISPATCHED' || draw.state === 'DRAW_STATE_DONE') && (
            <LinkButton type="primary" to={`/visits?draw=${lastPart(name)}`}>
              {t('draw.visits')}
            </LinkButton>
          )}
        </div>
      </div>
      <Confirm
        open={ask === 'state'}
        title={t('draws.doState')}
        okText={t('draws.stateConfirm')}
        content={[name, etag]}
        onClose={() => setAsk(null)}
        onReload={reload}
        act={async (requestId) => {
          set(await call('Draws.StateDraw', { name, etag, requestId }));
          void message.success(t('draws.stated'));
        }}
      >
        <Alert type="warning" showIcon title={t('draws.stateTitle')} description={t('draws.stateWarn')} />
        <ul className="plain-list confirm-facts">
          <li>
            {t('draws.plan')}：{draw.planTitle}
          </li>
          <li>
            {t('draws.contributors')}：{draw.contributors.map((one) => (one.unit ? titleOf(one.unit) : one.contributor)).join(lang === 'zh' ? '、' : ', ')}
          </li>
          <li>
            {t('draws.entriesClose')}：{formatTime(draw.entriesClose, lang, true)}
          </li>
          {draw.beaconTime && (
            <li>
              {t('draws.beaconTime')}：{formatTime(draw.beaconTime, lang, true)}
            </li>
          )}
          <li>
            {t('draws.revealBy')}：{formatTime(draw.revealBy, lang, true)}
          </li>
        </ul>
      </Confirm>
      <Confirm
        open={ask === 'abandon'}
        title={t('draw.abandon')}
        okText={t('draw.abandon')}
        content={[name, etag]}
        danger
        reason
        onClose={() => setAsk(null)}
        onReload={reload}
        act={async (requestId, reason) => {
          set(await call('Draws.AbandonDraw', { name, etag, reason, requestId }));
          void message.success(t('draw.abandoned'));
        }}
      >
        <p>{t('draw.abandonAsk')}</p>
      </Confirm>
    </>
  );
}
