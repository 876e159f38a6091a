import { Alert, Button, DatePicker, Form, Input, Radio, Select, Spin } from 'antd';
import { useRef } from 'react';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { call, serverNow, type Input as RequestOf } from '../../api/client';
import type { Draw, DrawKind, Plan, Quota } from '../../api/contract/draws';
import { allRows } from '../../api/pages';
import { useLoad } from '../../api/use-load';
import { enterTakesDate } from '../../components/enter-in-pickers';
import { ErrorPanel } from '../../components/error-panel';
import { useFieldRefusals } from '../../components/field-refusals';
import { LinkButton } from '../../components/link-button';
import { LoadFailed } from '../../components/load-failed';
import { MayNot, PageHead, Section } from '../../components/page';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { demoBeacon, drandRoundAt, lotteryIssueAfter } from '../../lib/beacon';
import { formatTime, instantToWall } from '../../lib/dates';
import { strataLeft, type Way } from '../../lib/draw-chain';
import { peopleOf } from '../../lib/draw-state';
import { lastPart } from '../../lib/names';
import type { TeamRow } from '../../lib/plan-form';
import { scheduleOf, scheduleProblem, type BeaconChoice, type Schedule, type ScheduleForm } from '../../lib/schedule';
import { useMe, useOrganisationTitle, useSessionState } from '../../session';
import { foreseen, MoreFields, TeamFields, WayChooser } from './way';
import { WitnessFields, type WitnessRow } from './witness-fields';

interface DrawForm extends ScheduleForm {
  plan: string;
  /** Last parts of organisations' names, in order. */
  contributors: string[];
  witnesses?: WitnessRow[];
  beacon: BeaconChoice;
  issue?: string;
  waivedReason?: string;
  /** Of a draw of teams. */
  teams: TeamRow[];
  coverDistrict: boolean;
  /** Of a supplementary draw: numbers by stratum. */
  more: Record<string, string>;
}

const minutes = [2, 5, 10, 30] as const;
const plansMax = 1000;

/** Draws looked through for those that may be followed. */
const drawsMax = 500;

/** What the address asks for. */
function asked(params: URLSearchParams): { way: Way; follows: string } {
  for (const [key, way] of [['replaces', 'again'], ['supplementary', 'supplementary'], ['teams', 'teams']] as const) {
    const follows = params.get(key);
    if (follows !== null) return { way, follows };
  }
  return { way: 'original', follows: '' };
}

const addressOf: Record<Way, string> = { original: '', again: 'replaces', supplementary: 'supplementary', teams: 'teams' };

/** Starting a draw: over a published plan, or after another draw (art. 9, 11, 14, 15). */
export default function DrawCreate() {
  const me = useMe();
  const [params, setParams] = useSearchParams();
  const { way, follows } = asked(params);
  const { organisations } = useSessionState();
  const loaded = useLoad(`plans/${me.organisation}/${follows}`, async (signal) => {
    const [{ rows: plans }, { rows: draws }, earlier] = await Promise.all([
      allRows(async (pageToken) => {
        const page = await call('Plans.ListPlans', { state: 'PLAN_STATE_PUBLISHED', pageSize: 200, pageToken }, signal);
        return { rows: page.plans, nextPageToken: page.nextPageToken };
      }, plansMax),
      allRows(async (pageToken) => {
        const page = await call('Draws.ListDraws', { pageSize: 200, pageToken }, signal);
        return { rows: page.draws, nextPageToken: page.nextPageToken };
      }, drawsMax),
      follows ? call('Draws.GetDraw', { name: follows }, signal) : Promise.resolve(null),
    ]);
    return { plans: plans.filter((plan) => plan.organisation === me.organisation), draws, earlier };
  });
  if (!me.may('Draws.CreateDraw')) return <MayNot method="Draws.CreateDraw" />;
  if (loaded.error) return <LoadFailed error={loaded.error} onRetry={loaded.reload} />;
  if (!loaded.data || organisations.length === 0) return <Spin className="page-spin" />;
  const choose = (next: Way, name: string) => setParams(next === 'original' ? {} : { [addressOf[next]]: name }, { replace: true });
  return <DrawFormPage key={`${way} ${follows}`} {...loaded.data} way={way} wanted={params.get('plan') ?? ''} onChoose={choose} />;
}

/** What each way of starting a draw adds to what is sent. */
function following(form: DrawForm, way: Way, earlier: Draw | null): Partial<NonNullable<RequestOf<'Draws.CreateDraw'>['draw']>> {
  const kinds: Partial<Record<Way, DrawKind>> = { supplementary: 'DRAW_KIND_SUPPLEMENTARY', teams: 'DRAW_KIND_TEAMS' };
  if (!earlier) return {};
  switch (way) {
    case 'original':
      return {};
    case 'again':
      return { replaces: earlier.name };
    case 'supplementary': {
      const quotas: Quota[] = strataLeft(earlier).map(({ stratum }) => ({ stratum, count: form.more[stratum]?.trim() ?? '0' }));
      return { kind: kinds[way], follows: earlier.name, quotas };
    }
    case 'teams':
      return { kind: kinds[way], follows: earlier.name, teams: form.teams.map((team) => ({ ...team, specialty: team.specialty ?? '' })), coverDistrict: form.coverDistrict };
  }
}

/** What is sent for a form and its schedule. */
function toDraw(form: DrawForm, schedule: Schedule, way: Way, earlier: Draw | null): NonNullable<RequestOf<'Draws.CreateDraw'>['draw']> {
  const beacons: Record<BeaconChoice, string> = {
    demo: demoBeacon,
    drand: `drand:quicknet:${drandRoundAt(Date.parse(schedule.beaconTime ?? schedule.entriesClose))}`,
    lottery: `lottery:ssq:${form.issue?.trim() ?? ''}`,
    waived: '',
  };
  const waived = form.beacon === 'waived';
  return {
    plan: earlier?.plan ?? form.plan,
    contributors: [
      ...form.contributors.map((unit) => ({ contributor: unit, kind: 'CONTRIBUTOR_KIND_DEPARTMENT' as const, unit })),
      ...(form.witnesses ?? []).map((one) => ({ contributor: one.contributor?.trim() ?? '', kind: 'CONTRIBUTOR_KIND_WITNESS' as const, unit: one.unit ?? '' })),
      ...(waived ? [] : [{ contributor: beacons[form.beacon], kind: 'CONTRIBUTOR_KIND_BEACON' as const }]),
    ],
    beaconWaived: waived ? (form.waivedReason?.trim() ?? '') : '',
    ...schedule,
    ...following(form, way, earlier),
  };
}

interface Loaded {
  plans: Plan[];
  draws: Draw[];
  /** The draw that is succeeded, supplemented or given teams. */
  earlier: Draw | null;
}

function DrawFormPage({ plans, draws, earlier, way, wanted, onChoose }: Loaded & { way: Way; wanted: string; onChoose: (way: Way, follows: string) => void }) {
  const { t, lang } = useI18n();
  const me = useMe();
  const { organisations } = useSessionState();
  const titleOf = useOrganisationTitle();
  const navigate = useNavigate();
  const [form] = Form.useForm<DrawForm>();
  const beacon = Form.useWatch('beacon', form) ?? (me.demonstration ? 'demo' : 'drand');
  const closeIn = Form.useWatch('closeIn', form);
  const contributors: string[] = Form.useWatch('contributors', form) ?? [];
  const witnesses: (WitnessRow | undefined)[] = Form.useWatch('witnesses', form) ?? [];
  const times = [Form.useWatch('entriesClose', form), Form.useWatch('beaconTime', form), Form.useWatch('revealBy', form)] as const;
  const { busy, error, run } = useAct();
  const beside = useFieldRefusals(form, error, { beacon_waived: 'waivedReason', ONLY_OWN_ENTRIES: 'contributors' });
  const sent = useRef<{ values: string; when: Schedule } | null>(null);
  const own = lastPart(me.organisation);
  const supervision = organisations.find((one) => one.name !== me.organisation && one.title.includes('督查'));
  const waived = beacon === 'waived';
  // A lottery is drawn at its own hour, so its times are always given.
  const exact = closeIn === 'exact' || beacon === 'lottery';
  const schedule = scheduleOf({ closeIn: exact ? 'exact' : (closeIn ?? 2), entriesClose: times[0], beaconTime: times[1], revealBy: times[2] }, beacon, serverNow());
  const tomorrowTen = instantToWall(serverNow()).add(1, 'day').hour(10).minute(0).second(0);

  const initial: DrawForm = {
    plan: earlier?.plan ?? plans.find((plan) => plan.name === wanted)?.name ?? (plans.length === 1 ? (plans[0]?.name ?? '') : ''),
    contributors: way === 'again' && earlier ? peopleOf(earlier).map((one) => one.contributor) : [own, ...(supervision ? [lastPart(supervision.name)] : [])],
    beacon: me.demonstration ? 'demo' : 'drand',
    closeIn: me.demonstration ? 2 : 'exact',
    entriesClose: tomorrowTen,
    beaconTime: tomorrowTen.add(1, 'hour'),
    revealBy: tomorrowTen.add(1, 'day'),
    teams: [{ organisation: me.organisation, size: 2, specialty: '' }],
    coverDistrict: false,
    more: Object.fromEntries(earlier ? strataLeft(earlier).map(({ stratum }) => [stratum, '0']) : []),
  };

  const create = async (values: DrawForm) => {
    const now = serverNow();
    // After a lost answer the same schedule is sent again, so that the repetition is the same request.
    const again = error?.retriable && sent.current?.values === JSON.stringify(values) ? sent.current.when : null;
    const when = again ?? scheduleOf({ ...values, closeIn: exact ? 'exact' : values.closeIn }, values.beacon, now);
    if (!when) return;
    sent.current = { values: JSON.stringify(values), when };
    const problem = scheduleProblem(when, now);
    if (problem) {
      form.setFields([{ name: problem, errors: [t(problem === 'entriesClose' ? 'draws.schedulePast' : 'draws.scheduleOrder')] }]);
      return;
    }
    await run([values, when], async (requestId) => {
      const draw = await call('Draws.CreateDraw', { draw: toDraw(values, when, way, earlier), requestId });
      await navigate(`/draws/${lastPart(draw.name)}`);
    });
  };

  // An issue whose earliest drawing is after the close: known to nobody before.
  const fits = schedule ? lotteryIssueAfter(Date.parse(schedule.entriesClose)) : undefined;
  const issueHint = fits ? `${t('draws.beacon.issueHint')} ${t('draws.beacon.issueFits', { issue: fits.issue, time: formatTime(new Date(fits.drawnMs).toISOString(), lang) })}` : t('draws.beacon.issueHint');
  const required = [{ required: true, message: t('field.required') }];
  const pickTime = (name: 'entriesClose' | 'beaconTime' | 'revealBy', label: string) => (
    <Form.Item name={name} label={label} rules={required}>
      <DatePicker className="wide" showTime={{ format: 'HH:mm:ss' }} format={lang === 'zh' ? 'YYYY年M月D日 (ddd) HH:mm:ss' : 'ddd, D MMM YYYY HH:mm:ss'} allowClear={false} />
    </Form.Item>
  );

  return (
    <>
      <PageHead title={t('draws.new')} lead={t('draws.createHint')} />
      <div className="form">
        <WayChooser way={way} earlier={earlier} plans={plans} draws={draws} onChoose={onChoose} />
      </div>
      {way === 'original' && plans.length === 0 ? (
        <Alert type="warning" showIcon title={t('draws.noPlans')} action={<Link to="/plans">{t('nav.plans')}</Link>} />
      ) : way !== 'original' && !earlier ? (
        <Alert type="info" showIcon title={t('chain.none')} />
      ) : way === 'supplementary' && earlier && foreseen(plans, earlier) === '' ? (
        <Alert type="warning" showIcon title={t('chain.notForeseen')} action={<Link to={`/${earlier.plan}`}>{t('chain.toPlan')}</Link>} />
      ) : (
        <Form<DrawForm> form={form} name="draw" layout="vertical" className="form" onKeyDown={enterTakesDate} initialValues={initial} onFinish={(values) => void create({ ...initial, ...values })} scrollToFirstError={{ focus: true }}>
          {way === 'teams' && <TeamFields />}
          {way === 'supplementary' && earlier && <MoreFields earlier={earlier} text={foreseen(plans, earlier)} />}
          <Section>
            {earlier ? (
              <p className="page-note">
                {t('draws.plan')}：{lastPart(earlier.plan)} {earlier.planTitle}
              </p>
            ) : (
              <Form.Item name="plan" label={t('draws.choosePlan')} extra={t('draws.choosePlanHint')} rules={required}>
                <Select options={plans.map((plan) => ({ value: plan.name, label: `${lastPart(plan.name)} ${plan.title}` }))} showSearch={{ optionFilterProp: 'label' }} />
              </Form.Item>
            )}
            <Form.Item
              name="contributors"
              label={t('draws.contributors')}
              extra={t('draws.contributorsHint')}
              rules={[
                {
                  required: true,
                  validator: (_, chosen: string[] | undefined) => (chosen?.some((unit) => unit !== own) || witnesses.length > 0 ? Promise.resolve() : Promise.reject(new Error(t('draws.onlyOwn')))),
                },
              ]}
            >
              <Select mode="multiple" options={organisations.map((one) => ({ value: lastPart(one.name), label: titleOf(one.name) }))} showSearch={{ optionFilterProp: 'label' }} />
            </Form.Item>
            <WitnessFields own={own} taken={[...contributors, ...witnesses.map((one) => one?.unit ?? '')]} />
          </Section>
          <Section title={t('draws.beacon')}>
            <Form.Item name="beacon" noStyle>
              <Radio.Group
                className="radio-column"
                aria-label={t('draws.beacon')}
                options={(['demo', 'drand', 'lottery', 'waived'] as const).filter((one) => one !== 'demo' || me.demonstration).map((value) => ({ value, label: t(`draws.beacon.${value}`) }))}
              />
            </Form.Item>
            {beacon === 'lottery' && (
              <Form.Item name="issue" label={t('draws.beacon.issue')} extra={issueHint} rules={[{ required: true, pattern: /^\d{7}$/, message: t('draws.beacon.issueWrong') }]}>
                <Input inputMode="numeric" className="form-narrow" />
              </Form.Item>
            )}
            {waived && (
              <>
                <Alert type="warning" showIcon className="error-panel" title={t('draws.beacon.waivedWarn')} />
                <Form.Item name="waivedReason" label={t('draws.beacon.waivedReason')} rules={[{ required: true, whitespace: true, message: t('field.required') }]}>
                  <Input.TextArea rows={2} maxLength={500} />
                </Form.Item>
              </>
            )}
          </Section>
          <Section title={t('draws.schedule')} lead={t('draws.scheduleHint')}>
            {beacon !== 'lottery' && (
              <Form.Item name="closeIn" label={t('draws.closeIn')}>
                <Radio.Group options={[...minutes.map((n) => ({ value: n, label: t('draws.closeIn.minutes', { n }) })), { value: 'exact', label: t('draws.closeIn.exact') }]} />
              </Form.Item>
            )}
            {exact ? (
              <div className="form-row">
                {pickTime('entriesClose', t('draws.entriesClose'))}
                {!waived && pickTime('beaconTime', t('draws.beaconTime'))}
                {pickTime('revealBy', t('draws.revealBy'))}
              </div>
            ) : (
              schedule && (
                <p className="muted">
                  {t('draws.revealBy')} {formatTime(schedule.revealBy, lang)}
                </p>
              )
            )}
            {beacon === 'drand' && schedule?.beaconTime && <p className="muted">{t('draws.beacon.roundText', { round: drandRoundAt(Date.parse(schedule.beaconTime)) })}</p>}
          </Section>
          {error && <ErrorPanel error={error} beside={beside} />}
          <div className="form-acts">
            <Button type="primary" htmlType="submit" loading={busy}>
              {t('draws.create')}
            </Button>
            <LinkButton to="/draws">{t('act.cancel')}</LinkButton>
          </div>
        </Form>
      )}
    </>
  );
}
