import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { call } from '../../api/client';
import type { Draw } from '../../api/contract/draws';
import { useLoad } from '../../api/use-load';
import { LinkButton } from '../../components/link-button';
import { Facts, MayNot, Section } from '../../components/page';
import { useI18n } from '../../i18n';
import { isDispatched, mayFollow, owedTeams } from '../../lib/draw-chain';
import { lastPart } from '../../lib/names';
import { useMe, useOrganisationTitle } from '../../session';

/** A draw by its number, linked. */
export function DrawLink({ name }: { name: string }) {
  return <Link to={`/draws/${lastPart(name)}`}>{lastPart(name)}</Link>;
}

function links(names: readonly string[]): ReactNode {
  return names.length > 0 && names.map((name, at) => [at > 0 && ' ', <DrawLink key={name} name={name} />]);
}

/** The draws before and after this one, and who still owes subjects a team. */
export function Chain({ draw }: { draw: Draw }) {
  const { t, tEnum, lang } = useI18n();
  const titleOf = useOrganisationTitle();
  const waiting = draw.awaitingTeams.map((one) => t('chain.awaitingOf', { unit: titleOf(one.organisation), n: Number(one.subjects).toLocaleString('en') }));
  const alone = draw.follows === '' && draw.replaces === '' && draw.replacedBy === '' && draw.followedBy.length === 0 && waiting.length === 0;
  if (alone) return null;
  return (
    <Section title={t('chain.title')}>
      <Facts
        facts={[
          [t('chain.kind'), tEnum('chain.kind.', draw.kind)],
          [t('chain.follows'), draw.follows && <DrawLink key="follows" name={draw.follows} />],
          [t('draws.replaces'), draw.replaces && <DrawLink key="replaces" name={draw.replaces} />],
          [t('chain.replacedBy'), draw.replacedBy && <DrawLink key="replacedBy" name={draw.replacedBy} />],
          [t('chain.followedBy'), links(draw.followedBy)],
          [t('chain.awaiting'), waiting.join(lang === 'zh' ? '、' : ', ')],
        ]}
      />
    </Section>
  );
}

/** Drawing more, where the plan has foreseen it (art. 14); else that it has not. */
function Supplement({ draw, to }: { draw: Draw; to: string }) {
  const { t } = useI18n();
  const { data: plan } = useLoad(draw.plan, (signal) => call('Plans.GetPlan', { name: draw.plan }, signal));
  if (!plan) return null;
  if (plan.foreseesSupplementary === '') return <span className="muted not-projected">{t('chain.noSupplement')}</span>;
  return (
    <LinkButton className="not-projected" to={to}>
      {t('chain.doSupplement')}
    </LinkButton>
  );
}

/** Starting the draws that may follow this one. */
export function FollowActs({ draw }: { draw: Draw }) {
  const { t } = useI18n();
  const me = useMe();
  const may = me.may('Draws.CreateDraw');
  const owed = owedTeams(draw, me.organisation);
  const to = (query: string) => `/draws/new?${query}=${encodeURIComponent(draw.name)}`;
  if (draw.state === 'DRAW_STATE_FAILED' && draw.replacedBy) return <DrawLink name={draw.replacedBy} />;
  return (
    <>
      {mayFollow('again', draw, me.organisation) && may && (
        <LinkButton type="primary" to={to('replaces')}>
          {t('draw.succeed')}
        </LinkButton>
      )}
      {owed > 0 &&
        (may ? (
          <LinkButton type="primary" to={to('teams')}>
            {t('chain.doTeams', { n: owed })}
          </LinkButton>
        ) : (
          <span className="not-projected">
            {t('chain.doTeams', { n: owed })}：<MayNot method="Draws.CreateDraw" />
          </span>
        ))}
      {isDispatched(draw) && mayFollow('supplementary', draw, me.organisation) && may && draw.followedBy.length === 0 && <Supplement draw={draw} to={to('supplementary')} />}
    </>
  );
}
