import { DownloadOutlined } from '@ant-design/icons';
import { App, Button } from 'antd';
import { useState } from 'react';
import { download, serverNow } from '../../api/client';
import type { Draw } from '../../api/contract/draws';
import { Confirm } from '../../components/confirm';
import { Facts, Section } from '../../components/page';
import { useI18n } from '../../i18n';
import { formatDay, today } from '../../lib/dates';
import { lastPart } from '../../lib/names';
import { useMe } from '../../session';

/** Whether the result waits for its day: inside, the drawing organisation has it already (art. 18). */
export function waits(draw: Draw): boolean {
  return draw.publishAfter !== '' && today(serverNow()) < draw.publishAfter;
}

/** Who was left out of the pool, what is not published, and when the result is. */
export function Publication({ draw }: { draw: Draw }) {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const { message } = App.useApp();
  const [asking, setAsking] = useState(false);
  const { name } = draw;
  const comma = lang === 'zh' ? '、' : ', ';
  const withheld = draw.withheldFiles.length > 0;
  if (draw.leftOut.length === 0 && !withheld && draw.publishAfter === '') return null;
  return (
    <Section title={t('draw.publication')}>
      <Facts
        facts={[
          [t('draw.leftOut'), draw.leftOut.map((one) => t('draw.leftOutText', { reason: tEnum('draw.leftOut.', one.reason), n: Number(one.count).toLocaleString('en') })).join(comma)],
          [t('plans.publishAfter'), draw.publishAfter && formatDay(draw.publishAfter, lang)],
          [t('plans.withheld'), draw.withheldFiles.map((file) => tEnum('plans.table.', file)).join(comma)],
        ]}
      />
      {waits(draw) && <p className="muted">{t('draw.waits')}</p>}
      {withheld && draw.statement && me.may('Draws.DownloadWithheld') && (
        <p className="row-add">
          <Button icon={<DownloadOutlined />} onClick={() => setAsking(true)}>
            {t('draw.withheldFiles')}
          </Button>
        </p>
      )}
      <Confirm
        open={asking}
        title={t('draw.withheldFiles')}
        okText={t('draw.withheldFiles')}
        content={name}
        reason
        onClose={() => setAsking(false)}
        act={async (_, purpose) => {
          await download('Draws.DownloadWithheld', { name }, purpose, `${lastPart(name)}-withheld.tar.gz`);
          void message.success(t('draw.withheldSent'));
        }}
      >
        <p>{t('draw.withheldAsk')}</p>
      </Confirm>
    </Section>
  );
}
