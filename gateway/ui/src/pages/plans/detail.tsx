import { Button, Spin, App } from 'antd';
import { useState, type ReactNode } from 'react';
import { Link, useParams } from 'react-router';
import { call } from '../../api/client';
import type { Plan } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { Confirm } from '../../components/confirm';
import { ErrorPanel } from '../../components/error-panel';
import { LinkButton } from '../../components/link-button';
import { LoadFailed } from '../../components/load-failed';
import { useStratumName } from '../../components/stratum-name';
import { Facts, MayNot, PageHead, Section, StateTag } from '../../components/page';
import { useI18n, type TextKey } from '../../i18n';
import { formatDay, formatTime } from '../../lib/dates';
import { districtName } from '../../lib/districts';
import { lastPart, pathBelow } from '../../lib/names';
import { ppmToPercent } from '../../lib/quota';
import { useMe, useOrganisationTitle } from '../../session';
import { ItemTerms } from './item-terms';
import { itemTitle, publishedItems } from './item-titles';
import { PlanPreview } from './preview';
import { useShapeFacts } from './shape';

/** One plan: state, what may happen next, content, what a draw would find. */
export default function PlanDetail() {
  const { id = '' } = useParams();
  const name = `plans/${id}`;
  const { data: plan, error, reload, set } = useLoad(name, (signal) => call('Plans.GetPlan', { name }, signal));
  if (error) return <LoadFailed error={error} onRetry={reload} />;
  if (!plan) return <Spin className="page-spin" />;
  return <PlanPage plan={plan} set={set} reload={reload} />;
}

function PlanPage({ plan, set, reload }: { plan: Plan; set: (plan: Plan) => void; reload: () => void }) {
  const { t, tEnum, lang } = useI18n();
  const titleOf = useOrganisationTitle();
  const stratumName = useStratumName();
  const shape = useShapeFacts(plan);
  const comma = lang === 'zh' ? '、' : ', ';
  return (
    <>
      <PageHead title={plan.title} state={<StateTag prefix="plans.state." value={plan.state} />} lead={`${lastPart(plan.name)} · ${titleOf(plan.organisation)}`} />
      <Next plan={plan} set={set} reload={reload} />
      <PlanPreview plan={plan} />
      <div className="columns">
        <Section title={t('plans.content')}>
          <Facts
            facts={[
              [t('plans.year'), plan.year],
              [t('plans.kind'), tEnum('plans.kind.', plan.kind)],
              [t('plans.dates'), `${formatDay(plan.startDate, lang)} – ${formatDay(plan.endDate, lang)}`],
              [t('plans.districts'), plan.districts.length > 0 ? plan.districts.map((code) => districtName(code, lang)).join(comma) : t('plans.districtsAll')],
              [t('plans.stratification'), tEnum('plans.stratification.', plan.stratification)],
              [
                t('plans.quotas'),
                <ul key="quotas">
                  {plan.quotas.map((quota) => (
                    <li key={quota.stratum}>
                      {plan.quotas.length === 1 && quota.stratum === '*' ? t('plans.stratumEach') : stratumName(quota.stratum)} {quota.ppm !== undefined ? `${ppmToPercent(quota.ppm)} %` : t('plans.countText', { n: quota.count ?? '0' })}
                    </li>
                  ))}
                </ul>,
              ],
              [t('plans.teams'), plan.teams.map((team) => t('plans.teamText', { unit: titleOf(team.organisation), n: team.size }) + (team.specialty ? ` (${tEnum('specialty.', team.specialty)})` : '')).join(comma)],
              [t('plans.coverDistrict'), t(plan.coverDistrict ? 'field.yes' : 'field.no')],
              [t('plans.method'), plan.method],
              [t('plans.frequency'), plan.frequency],
              ...shape,
              [
                t('plans.exception'),
                plan.exceptions.length > 0 && (
                  <ul key="exceptions">
                    {plan.exceptions.map((one) => (
                      <li key={one.kind}>
                        <strong>{tEnum('plans.exception.', one.kind)}</strong> {one.reason}
                      </li>
                    ))}
                  </ul>
                ),
              ],
              [t('field.createTime'), formatTime(plan.createTime, lang)],
              [t('plans.publishTime'), plan.late ? t('plans.publishedLate', { time: formatTime(plan.publishTime, lang) }) : formatTime(plan.publishTime, lang)],
            ]}
          />
        </Section>
        <div>
          <PlanItems plan={plan} />
          {plan.state !== 'PLAN_STATE_DRAFT' && plan.state !== 'PLAN_STATE_IN_REVIEW' && <PlanDraws plan={plan} />}
        </div>
      </div>
    </>
  );
}

type Ask = 'submit' | 'return' | 'publish';

function Next({ plan, set, reload }: { plan: Plan; set: (plan: Plan) => void; reload: () => void }) {
  const { t } = useI18n();
  const me = useMe();
  const titleOf = useOrganisationTitle();
  const { message } = App.useApp();
  const [ask, setAsk] = useState<Ask | null>(null);
  const own = plan.organisation === me.organisation;
  const ownAct = plan.creator === me.user.name;
  const { name, etag } = plan;
  const number = lastPart(name);

  let acts: ReactNode = null;
  let next: TextKey;
  switch (plan.state) {
    case 'PLAN_STATE_DRAFT':
      next = 'plans.next.draft';
      acts = me.may('Plans.SubmitPlan') ? (
        <>
          <LinkButton to={`/plans/${number}/edit`}>{t('act.edit')}</LinkButton>
          <Button type="primary" onClick={() => setAsk('submit')}>
            {t('plans.submit')}
          </Button>
        </>
      ) : (
        <MayNot method="Plans.SubmitPlan" />
      );
      break;
    case 'PLAN_STATE_IN_REVIEW':
      next = 'plans.next.review';
      acts = !me.may('Plans.PublishPlan') ? (
        <MayNot method="Plans.PublishPlan" />
      ) : ownAct ? (
        <span className="muted">{t('may.ownAct')}</span>
      ) : (
        <>
          <Button onClick={() => setAsk('return')}>{t('plans.return')}</Button>
          <Button type="primary" onClick={() => setAsk('publish')}>
            {t('plans.publish')}
          </Button>
        </>
      );
      break;
    case 'PLAN_STATE_PUBLISHED':
      next = 'plans.next.published';
      acts = (
        <>
          <a href={`/plans/${number}`}>{t('plans.publicPage')}</a>
          {me.may('Draws.CreateDraw') ? (
            <LinkButton type="primary" to={`/draws/new?plan=${encodeURIComponent(name)}`}>{t('plans.makeDraw')}</LinkButton>
          ) : (
            <MayNot method="Draws.CreateDraw" />
          )}
        </>
      );
      break;
    case 'PLAN_STATE_FINISHED':
    case 'PLAN_STATE_UNSPECIFIED':
      next = 'plans.next.finished';
      break;
  }

  return (
    <>
      <div className="next">
        <p>
          {t(next)}
          {plan.returnReason && (
            <>
              <br />
              <strong>{t('plans.returned')}</strong> {plan.returnReason}
            </>
          )}
        </p>
        <div className="next-acts">{own ? acts : <span className="muted">{t('may.otherUnit', { unit: titleOf(plan.organisation) })}</span>}</div>
      </div>
      <Confirm
        open={ask === 'submit'}
        title={t('plans.submit')}
        okText={t('plans.submit')}
        content={[name, etag]}
        onClose={() => setAsk(null)}
        onReload={reload}
        act={async (requestId) => {
          set(await call('Plans.SubmitPlan', { name, etag, requestId }));
          void message.success(t('plans.submitted'));
        }}
      >
        <p>{t('plans.submitAsk')}</p>
      </Confirm>
      <Confirm
        open={ask === 'return'}
        title={t('plans.return')}
        okText={t('plans.return')}
        content={[name, etag]}
        reason
        onClose={() => setAsk(null)}
        onReload={reload}
        act={async (requestId, reason) => {
          set(await call('Plans.ReturnPlan', { name, etag, reason, requestId }));
          void message.success(t('plans.returnedDone'));
        }}
      >
        <p>{t('plans.returnAsk')}</p>
      </Confirm>
      <Confirm
        open={ask === 'publish'}
        title={t('plans.publish')}
        okText={t('plans.publish')}
        content={[name, etag]}
        onClose={() => setAsk(null)}
        onReload={reload}
        act={async (requestId) => {
          set(await call('Plans.PublishPlan', { name, etag, requestId }));
          void message.success(t('plans.published'));
        }}
      >
        <p>{t('plans.publishAsk')}</p>
      </Confirm>
    </>
  );
}

function PlanItems({ plan }: { plan: Plan }) {
  const { t } = useI18n();
  const parent = plan.items[0]?.split('/').slice(0, 2).join('/') ?? plan.organisation;
  const { data } = useLoad(`titles/${parent}`, (signal) => publishedItems(parent, signal));
  const known = new Map(data?.map((item) => [item.name, item]));
  return (
    <Section title={`${t('plans.items')} (${plan.items.length})`} lead={t('plans.itemTerms')}>
      <ul className="plain-list">
        {plan.items.map((name) => {
          const item = known.get(name);
          return (
            <li key={name}>
              <Link to={pathBelow('items', name)}>{item ? itemTitle(item) : lastPart(name)}</Link>
              {item && <ItemTerms item={item} />}
            </li>
          );
        })}
      </ul>
    </Section>
  );
}

function PlanDraws({ plan }: { plan: Plan }) {
  const { t } = useI18n();
  const { data, error, reload } = useLoad(`draws/${plan.name}`, (signal) => call('Draws.ListDraws', { plan: plan.name, pageSize: 50 }, signal));
  return (
    <Section title={t('plans.draws')}>
      {error && <ErrorPanel error={error} onRetry={reload} loading />}
      {data?.draws.length === 0 && <p className="muted">{t('plans.noDraws')}</p>}
      <ul className="plain-list">
        {data?.draws.map((draw) => (
          <li key={draw.name}>
            <Link to={`/draws/${lastPart(draw.name)}`}>{lastPart(draw.name)}</Link> <StateTag prefix="draws.state." value={draw.state} />
          </li>
        ))}
      </ul>
    </Section>
  );
}
