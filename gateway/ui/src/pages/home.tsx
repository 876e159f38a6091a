import { Alert, Empty, Spin } from 'antd';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { call } from '../api/client';
import type { Clock } from '../api/contract/clocks';
import type { Draw, Plan, Visit } from '../api/contract/draws';
import { isAbort, toApiError, type ApiError } from '../api/errors';
import { useLoad } from '../api/use-load';
import { DueDay } from '../components/due-day';
import { ErrorPanel } from '../components/error-panel';
import { PageHead, Section, StateTag, TimeLeft, useNow } from '../components/page';
import { useI18n } from '../i18n';
import { listClocks } from '../lib/clocks';
import { daysLeft, formatDay, today } from '../lib/dates';
import { mayFollow, owedTeams } from '../lib/draw-chain';
import { beaconToType, isUnderWay, missedItsTime, owesEntry } from '../lib/draw-state';
import { lastPart } from '../lib/names';
import { useMe, useOrganisationTitle, type Me } from '../session';

interface Gathered {
  plans: Plan[];
  draws: Draw[];
  visits: Visit[];
  visitsMine: number;
  draftItems: number;
  /** Recusals that another person asked for and this one may decide. */
  openRecusals: number;
  /** Changes of the register that another person asked for. */
  openChanges: number;
  /** Year whose interests the officer himself has not declared; none when he has. */
  declareYear?: number | undefined;
  /** How many of the unit have not declared. */
  undeclared: number;
  /** Requests to lift a conflict that another person made. */
  openLifts: number;
  /** Deadlines of the unit that nobody or this one answers for, the next first. */
  clocks: Clock[];
  figures: { subjects?: number; officers?: number; items?: number; visits?: number };
  /** What could not be loaded. */
  missing: ApiError[];
}

/** Everything the home needs, each part for itself: one part that fails leaves the others standing. */
async function gather(me: Me, signal: AbortSignal): Promise<Gathered> {
  const missing: ApiError[] = [];
  const part = async <T,>(wanted: boolean, load: () => Promise<T>): Promise<T | undefined> => {
    if (!wanted) return undefined;
    try {
      return await load();
    } catch (thrown) {
      if (isAbort(thrown)) throw thrown;
      missing.push(toApiError(thrown));
      return undefined;
    }
  };
  const parent = me.organisation;
  const officer = me.roles.includes('ROLE_OFFICER');
  const works = me.roles.includes('ROLE_HANDLER') || me.roles.includes('ROLE_REVIEWER') || me.roles.includes('ROLE_DEPARTMENT_ADMIN');
  // The supervision office has handlers too, but no register, officers or items of its own.
  const keeps = works && me.enforces;
  const [plans, draws, mine, drafts, subjects, officers, items, visits, recusals, changes, standing, missingPeople, lifts, clocks] = await Promise.all([
    part(true, () => call('Plans.ListPlans', { pageSize: 100 }, signal)),
    part(true, () => call('Draws.ListDraws', { pageSize: 50 }, signal)),
    part(officer, () => call('Visits.ListVisits', { officer: 'me', pageSize: 200 }, signal)),
    part(me.may('Catalog.PublishItems'), () => call('Catalog.ListItems', { parent, state: 'ITEM_STATE_DRAFT', pageSize: 1 }, signal)),
    part(keeps, () => call('Registers.ListSubjects', { parent, pageSize: 1 }, signal)),
    part(keeps, () => call('Registers.ListOfficers', { parent, pageSize: 1000 }, signal)),
    part(keeps, () => call('Catalog.ListItems', { parent, state: 'ITEM_STATE_PUBLISHED', pageSize: 1 }, signal)),
    part(works || me.cityWide, () => call('Visits.ListVisits', { pageSize: 1 }, signal)),
    part(me.may('Recusals.UpholdRecusal'), () => call('Recusals.ListRecusals', { state: 'RECUSAL_STATE_REQUESTED', pageSize: 100 }, signal)),
    part(keeps && me.may('RegisterChanges.ApproveRegisterChange'), () => call('RegisterChanges.ListRegisterChanges', { parent, state: 'REGISTER_CHANGE_STATE_PENDING', pageSize: 100 }, signal)),
    part(officer && Boolean(me.user.certificate?.number), () => call('People.GetOwnStanding', { parent }, signal)),
    part(keeps && me.may('People.ListUndeclared'), () => call('People.ListUndeclared', { parent, pageSize: 1 }, signal)),
    part(keeps && me.may('People.LiftConflict'), () => call('Registers.ListConflicts', { parent, state: 'CONFLICT_STATE_LIFT_ASKED', pageSize: 100 }, signal)),
    part(keeps, () => listClocks({ parent }, 20, '', signal)),
  ]);
  return {
    plans: plans?.plans ?? [],
    draws: draws?.draws ?? [],
    visits: mine?.visits ?? [],
    visitsMine: Number(mine?.totalSize ?? 0),
    draftItems: Number(drafts?.totalSize ?? 0),
    openRecusals: recusals?.recusals.filter((one) => one.organisation === me.organisation && one.creator !== me.user.name && one.person !== me.user.certificate?.number).length ?? 0,
    openChanges: changes?.changes.filter((one) => one.creator !== me.user.name).length ?? 0,
    declareYear: standing && !standing.declaration ? standing.year : undefined,
    undeclared: Number(missingPeople?.totalSize ?? 0),
    openLifts: lifts?.conflicts.filter((one) => one.liftAsker !== me.user.name && one.officer !== me.user.certificate?.number).length ?? 0,
    clocks: clocks?.rows.filter((one) => one.state !== 'CLOCK_STATE_PAUSED' && (one.responsible === '' || one.responsible === me.user.name)) ?? [],
    figures: {
      subjects: subjects && Number(subjects.totalSize),
      officers: officers?.officers.length,
      items: items && Number(items.totalSize),
      visits: visits && Number(visits.totalSize),
    },
    missing,
  };
}

interface Todo {
  key: string;
  to: string;
  text: string;
  due: ReactNode;
}

function useTodos(data: Gathered | undefined, now: number): Todo[] {
  const { t, tEnum } = useI18n();
  const me = useMe();
  if (!data) return [];
  const todos: Todo[] = data.clocks.map((clock) => ({ key: clock.name, to: '/clocks', text: t('home.clock', { what: tEnum('clocks.kind.', clock.kind), of: lastPart(clock.aggregate) }), due: <DueDay day={clock.dueDate} /> }));
  const annualDue = (plan: Plan) => {
    const day = `${plan.year}-03-31`;
    if (plan.kind !== 'PLAN_KIND_ANNUAL') return null;
    // A later publication is allowed and marked late (art. 14).
    return daysLeft(day, now) < 0 ? <span className="due due-soon">{t('plans.willBeLate')}</span> : <DueDay day={day} />;
  };
  for (const draw of data.draws) {
    const number = lastPart(draw.name);
    const to = `/draws/${number}`;
    if (me.may('Draws.AddEntry') && owesEntry(draw, me.organisation, now)) {
      todos.push({ key: `${to}#entry`, to, text: t('home.drawEntry', { draw: number }), due: draw.entriesClose && <TimeLeft until={draw.entriesClose} /> });
    }
    if (me.may('Draws.ReportBeacon') && beaconToType(draw, now)) {
      todos.push({ key: `${to}#beacon`, to, text: t('home.drawBeacon', { draw: number }), due: draw.revealBy && <TimeLeft until={draw.revealBy} /> });
    }
    if (me.may('Draws.StateDraw') && draw.state === 'DRAW_STATE_CREATED' && draw.organisation === me.organisation && !missedItsTime(draw, now)) {
      todos.push({ key: `${to}#state`, to, text: t('home.drawState', { draw: number }), due: draw.entriesClose && <TimeLeft until={draw.entriesClose} /> });
    }
  }
  for (const draw of data.draws) {
    const number = lastPart(draw.name);
    if (me.may('Draws.AbandonDraw') && missedItsTime(draw, now) && draw.organisation === me.organisation) {
      todos.push({ key: `${number}#missed`, to: `/draws/${number}`, text: t('home.drawMissed', { draw: number }), due: null });
    }
  }
  for (const draw of data.draws) {
    const number = lastPart(draw.name);
    const owed = owedTeams(draw, me.organisation);
    if (me.may('Draws.CreateDraw') && owed > 0) {
      todos.push({ key: `${number}#teams`, to: `/draws/new?teams=${encodeURIComponent(draw.name)}`, text: t('home.drawTeams', { draw: number, n: owed }), due: null });
    }
    if (me.may('Draws.CreateDraw') && mayFollow('again', draw, me.organisation)) {
      todos.push({ key: `${number}#again`, to: `/draws/${number}`, text: t('home.drawAgain', { draw: number }), due: null });
    }
  }
  for (const plan of data.plans) {
    if (plan.organisation !== me.organisation) continue;
    const to = `/plans/${lastPart(plan.name)}`;
    if (plan.state === 'PLAN_STATE_IN_REVIEW' && me.may('Plans.PublishPlan') && plan.creator !== me.user.name) {
      todos.push({ key: to, to, text: t('home.planReview', { title: plan.title }), due: annualDue(plan) });
    }
    if (plan.state === 'PLAN_STATE_DRAFT' && me.may('Plans.SubmitPlan')) {
      todos.push({ key: to, to, text: t(plan.returnReason ? 'home.planReturned' : 'home.planDraft', { title: plan.title }), due: annualDue(plan) });
    }
  }
  if (data.draftItems > 0) todos.push({ key: 'items', to: '/items?state=ITEM_STATE_DRAFT', text: t('home.itemsDraft', { n: data.draftItems }), due: null });
  if (data.openRecusals > 0) todos.push({ key: 'recusals', to: '/recusals?state=RECUSAL_STATE_REQUESTED', text: t('home.recusals', { n: data.openRecusals }), due: null });
  if (data.openChanges > 0) todos.push({ key: 'changes', to: '/subjects/changes?state=REGISTER_CHANGE_STATE_PENDING', text: t('home.changes', { n: data.openChanges }), due: null });
  if (data.declareYear) todos.push({ key: 'declare', to: '/declarations', text: t('home.declare', { year: data.declareYear }), due: null });
  if (data.openLifts > 0) todos.push({ key: 'lifts', to: '/conflicts?state=CONFLICT_STATE_LIFT_ASKED', text: t('home.lifts', { n: data.openLifts }), due: null });
  if (data.undeclared > 0 && me.roles.includes('ROLE_HANDLER')) todos.push({ key: 'undeclared', to: '/declarations', text: t('home.undeclared', { n: data.undeclared, year: today(now).slice(0, 4) }), due: null });
  if (data.visitsMine > 0) {
    const due = data.visits.map((visit) => visit.dueDate).filter(Boolean).sort()[0];
    todos.push({ key: 'visits', to: '/visits?officer=me', text: t('home.myVisits', { n: data.visitsMine }), due: due && <DueDay day={due} /> });
  }
  if (data.figures.subjects === 0 && me.may('Registers.ImportSubjects')) todos.push({ key: 'register', to: '/subjects/upload', text: t('home.noSubjects'), due: null });
  return todos;
}

export default function Home() {
  const { t, lang } = useI18n();
  const me = useMe();
  const titleOf = useOrganisationTitle();
  const now = useNow();
  const { data, error, loading, reload } = useLoad(`home/${me.user.name}`, (signal) => gather(me, signal));
  const todos = useTodos(data, now);
  const running = data?.draws.filter(isUnderWay) ?? [];
  const year = Number(today(now).slice(0, 4));
  const figures: [number | undefined, string, string][] = data
    ? [
        [data.figures.subjects, t('home.figure.subjects'), '/subjects'],
        [data.figures.officers, t('home.figure.officers'), '/officers'],
        [data.figures.items, t('home.figure.items'), '/items?state=ITEM_STATE_PUBLISHED'],
        [data.plans.filter((plan) => plan.year === year && plan.state === 'PLAN_STATE_PUBLISHED' && (me.cityWide || plan.organisation === me.organisation)).length, t('home.figure.plans', { year }), `/plans?year=${year}&state=PLAN_STATE_PUBLISHED`],
        [data.figures.visits, t('home.figure.visits'), '/visits'],
      ]
    : [];

  return (
    <>
      <PageHead title={t('home.hello', { name: me.user.realName })} lead={`${titleOf(me.organisation)} · ${formatDay(today(now), lang)}`} />
      {error && <ErrorPanel error={error} onRetry={reload} loading />}
      {loading && !data && <Spin className="page-spin" />}
      {data && data.missing.length > 0 && (
        <Alert type="warning" showIcon className="error-panel" title={t('home.partly')} description={[...new Set(data.missing.map((one) => (lang === 'zh' ? one.messageZh : one.messageEn)))].join(' ')} />
      )}
      {data && (
        <>
          <Section title={t('home.todo')}>
            {todos.length === 0 ? (
              <p className="muted">{t('home.nothing')}</p>
            ) : (
              <ul className="todo">
                {todos.map((todo) => (
                  <li key={todo.key}>
                    <Link to={todo.to}>{todo.text}</Link>
                    {todo.due}
                  </li>
                ))}
              </ul>
            )}
          </Section>
          <Section title={t('home.running')}>
            {running.length === 0 ? (
              <p className="muted">{t('home.noRunning')}</p>
            ) : (
              <ul className="todo">
                {running.map((draw) => (
                  <li key={draw.name}>
                    <Link to={`/draws/${lastPart(draw.name)}`}>
                      {lastPart(draw.name)} {draw.planTitle}
                    </Link>
                    <span>
                      {titleOf(draw.organisation)} <StateTag prefix="draws.state." value={draw.state} />
                    </span>
                  </li>
                ))}
              </ul>
            )}
          </Section>
          {figures.some(([n]) => n !== undefined) && (
            <Section title={t(me.cityWide ? 'home.city' : 'home.unit')}>
              <div className="figures">
                {figures
                  .filter(([n]) => n !== undefined)
                  .map(([n, label, to]) => (
                    <Link key={to} to={to}>
                      <strong>{n?.toLocaleString('en')}</strong>
                      <span>{label}</span>
                    </Link>
                  ))}
              </div>
            </Section>
          )}
          {!data.missing.length && todos.length === 0 && running.length === 0 && figures.every(([n]) => n === undefined) && <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('list.emptyAll')} />}
        </>
      )}
    </>
  );
}
