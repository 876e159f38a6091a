import { Alert, Form, Input, Radio, Select, Switch } from 'antd';
import type { Draw, Plan } from '../../api/contract/draws';
import { Section } from '../../components/page';
import { useStratumName } from '../../components/stratum-name';
import { useI18n } from '../../i18n';
import { mayFollow, owedTeams, strataLeft, ways, type Way } from '../../lib/draw-chain';
import { lastPart } from '../../lib/names';
import { wholeNumber } from '../../lib/quota';
import { useMe } from '../../session';
import { TeamRows } from '../plans/rows';

/** What a draw's plan says of supplementary draws; empty where it foresees none. */
export function foreseen(plans: readonly Plan[], draw: Draw): string {
  return plans.find((plan) => plan.name === draw.plan)?.foreseesSupplementary ?? '';
}

/** Which kind of draw, and which one it follows. */
export function WayChooser({ way, earlier, plans, draws, onChoose }: { way: Way; earlier: Draw | null; plans: Plan[]; draws: Draw[]; onChoose: (way: Way, follows: string) => void }) {
  const { t } = useI18n();
  const me = useMe();
  const following = (one: Way) => draws.filter((draw) => mayFollow(one, draw, me.organisation));
  const open = (one: Way) => following(one).filter((draw) => one !== 'supplementary' || foreseen(plans, draw) !== '');
  const why = (one: Way) => t(one === 'supplementary' && following(one).length > 0 ? 'chain.noneForeseen' : 'chain.none');
  const label = (draw: Draw) => {
    const owed = owedTeams(draw, me.organisation);
    return `${lastPart(draw.name)} ${draw.planTitle}${way === 'teams' && owed > 0 ? ` · ${t('chain.waiting', { n: owed })}` : ''}`;
  };
  const options = open(way);
  return (
    <Section title={t('chain.way')}>
      <Radio.Group
        className="radio-column"
        aria-label={t('chain.way')}
        value={way}
        onChange={(event) => {
          const next = ways.find((one) => one === event.target.value) ?? 'original';
          onChoose(next, open(next)[0]?.name ?? '');
        }}
        options={ways.map((one) => {
          const closed = one !== 'original' && one !== way && open(one).length === 0;
          return {
            value: one,
            disabled: closed,
            label: (
              <>
                {t(`chain.way.${one}`)} <span className="muted">{closed ? why(one) : t(`chain.way.${one}.hint`)}</span>
              </>
            ),
          };
        })}
      />
      {way !== 'original' && (
        <Form.Item label={t('chain.earlier')} layout="vertical" className="form-gap">
          <Select
            aria-label={t('chain.earlier')}
            value={earlier?.name}
            onChange={(name) => onChoose(way, name)}
            options={[...(earlier && !options.some((one) => one.name === earlier.name) ? [earlier] : []), ...options].map((draw) => ({ value: draw.name, label: label(draw) }))}
            showSearch={{ optionFilterProp: 'label' }}
          />
        </Form.Item>
      )}
    </Section>
  );
}

/** What a draw of teams is given: who sends how many. */
export function TeamFields() {
  const { t } = useI18n();
  return (
    <Section title={t('chain.teams')} lead={t('chain.teamsHint')}>
      <TeamRows />
      <Form.Item name="coverDistrict" label={t('chain.cover')} valuePropName="checked">
        <Switch />
      </Form.Item>
    </Section>
  );
}

/** What a supplementary draw is given: how many more of each stratum. */
export function MoreFields({ earlier, text }: { earlier: Draw; text: string }) {
  const { t } = useI18n();
  const stratumName = useStratumName();
  return (
    <Section title={t('chain.quotas')} lead={t('chain.quotasHint')}>
      <Alert type="info" showIcon className="error-panel" title={t('chain.foreseen', { text })} />
      {strataLeft(earlier).map(({ stratum, left }) => (
        <Form.Item
          key={stratum}
          name={['more', stratum]}
          label={stratumName(stratum)}
          extra={t('chain.left', { n: left.toLocaleString('en') })}
          rules={[{ validator: (_, value: string | undefined) => (wholeNumber(value ?? '') === null ? Promise.reject(new Error(t('plans.countWrong'))) : Promise.resolve()) }]}
        >
          <Input inputMode="numeric" className="form-narrow" />
        </Form.Item>
      ))}
    </Section>
  );
}
