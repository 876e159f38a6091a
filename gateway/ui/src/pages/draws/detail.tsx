import { DownloadOutlined, FundProjectionScreenOutlined } from '@ant-design/icons';
import { Alert, Button, Spin } from 'antd';
import { useEffect, useState } from 'react';
import { Link, useParams } from 'react-router';
import { addressOf, call } from '../../api/client';
import { useLoad } from '../../api/use-load';
import { ErrorPanel } from '../../components/error-panel';
import { LoadFailed } from '../../components/load-failed';
import { Code, Facts, PageHead, Section, StateTag, useNow } from '../../components/page';
import { useI18n } from '../../i18n';
import { beaconToType, isRevealed, isSettled, owesEntry, takesEntries } from '../../lib/draw-state';
import { lastPart } from '../../lib/names';
import { useMe, useOrganisationTitle } from '../../session';
import { AddEntry } from './add-entry';
import { Chain } from './chain';
import { Course } from './course';
import { Entries } from './entries';
import { Load } from './load';
import { DrawLog } from './log';
import { DrawNext } from './next';
import { Publication, waits } from './publication';
import { ReportBeacon } from './report-beacon';
import { Drawn, Strata } from './result';
import { WitnessLinks } from './witness-links';

const pollMs = 2000;

/** Looks again every two seconds, but not while nobody looks. */
function usePolling(wanted: boolean, loading: boolean, reload: () => void) {
  useEffect(() => {
    if (!wanted || loading) return undefined;
    const look = () => {
      if (!document.hidden) reload();
    };
    const waiting = setTimeout(look, pollMs);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearTimeout(waiting);
      document.removeEventListener('visibilitychange', look);
    };
  }, [wanted, loading, reload]);
}

/** One draw, from its number to its visits: a calm page fit for a projector. */
export default function DrawDetail() {
  const { t, tEnum } = useI18n();
  const me = useMe();
  const titleOf = useOrganisationTitle();
  const { id = '' } = useParams();
  const name = `draws/${id}`;
  const { data: draw, error, loading, reload, set } = useLoad(name, (signal) => call('Draws.GetDraw', { name }, signal));
  const polling = draw !== undefined && !isSettled(draw);
  usePolling(polling, loading, reload);
  const now = useNow(polling);
  const [projected, setProjected] = useState(false);

  useEffect(() => {
    document.body.classList.toggle('projector', projected);
    return () => document.body.classList.remove('projector');
  }, [projected]);

  if (!draw) return error ? <LoadFailed error={error} onRetry={reload} /> : <Spin className="page-spin" />;
  const stated = draw.statement !== '';
  const revealed = isRevealed(draw);
  const ended = draw.state === 'DRAW_STATE_ABANDONED' || draw.state === 'DRAW_STATE_FAILED';
  const owed = me.may('Draws.AddEntry') ? owesEntry(draw, me.organisation, now) : undefined;
  return (
    <>
      <PageHead title={`${t('draws.one')} ${lastPart(draw.name)}`} state={<StateTag prefix="draws.state." value={draw.state} />} lead={`${draw.planTitle} · ${titleOf(draw.organisation)}`}>
        {stated && <a href={`/${draw.name}`}>{t('draw.publicPage')}</a>}
        <a href={`/${draw.name}/ceremony`}>{t('draw.ceremony')}</a>
        {revealed && draw.organisation === me.organisation && me.may('Proofs.ListProofCodes') && <Link to={`/draws/${id}/proof-codes`}>{t('proofs.title')}</Link>}
        {revealed && (
          <Button icon={<DownloadOutlined />} href={addressOf(waits(draw) ? 'Draws.DownloadEvidence' : 'Portal.DownloadEvidence', { name })} download>
            {t('draw.evidence')}
          </Button>
        )}
        <Button icon={<FundProjectionScreenOutlined />} aria-pressed={projected} onClick={() => setProjected(!projected)}>
          {t(projected ? 'draw.projectorOff' : 'draw.projector')}
        </Button>
      </PageHead>
      {error && <ErrorPanel error={error} onRetry={reload} loading />}
      <DrawNext draw={draw} now={now} set={set} reload={reload} />
      <Section title={t('draw.timeline')} extra={polling && <span className="muted">{t('draw.live')}</span>}>
        <Course draw={draw} now={now} />
      </Section>
      <Chain draw={draw} />
      {owed && <AddEntry draw={draw} contributor={owed} onGiven={set} />}
      <WitnessLinks draw={draw} now={now} set={set} />
      {me.may('Draws.ReportBeacon') && beaconToType(draw, now) && <ReportBeacon draw={draw} onTyped={set} />}
      <div className="columns">
        <Section title={t('draw.contributors')}>
          <Entries draw={draw} />
        </Section>
        <div>
          {stated && (
            <Section title={t('draw.statement')} lead={t('draw.statementHint')}>
              <Code text={draw.statement} label={t('draw.statement')} />
              <details>
                <summary>{t('draw.statementText')}</summary>
                <pre className="code-block" tabIndex={0}>{draw.statementJson}</pre>
              </details>
              <details>
                <summary>{t('draw.rulesText')}</summary>
                <pre className="code-block" tabIndex={0}>{draw.rulesJson}</pre>
              </details>
            </Section>
          )}
          <Section>
            <Facts
              facts={[
                [t('draws.plan'), <Link key="plan" to={`/plans/${lastPart(draw.plan)}`}>{draw.planTitle || lastPart(draw.plan)}</Link>],
                [t('draws.organisation'), titleOf(draw.organisation)],
                [t('draw.waived'), draw.beaconWaived],
                [t('draw.seed'), draw.seed && <Code text={draw.seed} label={t('draw.seed')} />],
                [t('draw.evidenceDigest'), draw.evidenceDigest && <Code text={draw.evidenceDigest} label={t('draw.evidenceDigest')} />],
                [t('draw.endReason'), draw.endReason && tEnum('draw.end.', draw.endReason)],
              ]}
            />
          </Section>
        </div>
      </div>
      {draw.beaconWaived && takesEntries(draw) && <Alert type="warning" showIcon className="error-panel" title={t('draws.beacon.waivedWarn')} />}
      {stated && <Publication draw={draw} />}
      {draw.strata.length > 0 && !ended && <Strata draw={draw} />}
      {revealed && <Load draw={draw} />}
      {revealed && <Drawn draw={draw} />}
      {revealed && <DrawLog draw={draw} />}
    </>
  );
}
