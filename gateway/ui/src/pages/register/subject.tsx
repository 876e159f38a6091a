import { Alert, App, Button, Form, Select, Spin } from 'antd';
import { useState } from 'react';
import { Link, useParams } from 'react-router';
import { call } from '../../api/client';
import { useLoad } from '../../api/use-load';
import { Confirm } from '../../components/confirm';
import { LoadFailed } from '../../components/load-failed';
import { Facts, MayNot, PageHead, Section, StateTag } from '../../components/page';
import { useI18n } from '../../i18n';
import { formatTime } from '../../lib/dates';
import { districtName } from '../../lib/districts';
import { pathBelow } from '../../lib/names';
import { useMe, useOrganisationTitle } from '../../session';
import { SubjectHistory } from './history';
import { statuses } from './life';

/** One subject, its status of life, and its history. */
export default function SubjectDetail() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const titleOf = useOrganisationTitle();
  const { message } = App.useApp();
  const { organisation = '', key = '' } = useParams();
  const name = `organisations/${organisation}/subjects/${key}`;
  const { data, error, reload, set } = useLoad(name, (signal) => call('Registers.GetSubject', { name }, signal));
  const [asking, setAsking] = useState(false);
  const [wanted, setWanted] = useState<string>();

  if (error) return <LoadFailed error={error} onRetry={reload} />;
  if (!data) return <Spin className="page-spin" />;
  const others = statuses.filter((one) => one !== data.status);
  const other = others.find((one) => one === wanted) ?? others[0];
  const own = `organisations/${organisation}` === me.organisation;
  return (
    <>
      <PageHead title={data.title} state={<StateTag prefix="subjects.status." value={data.status} />} lead={titleOf(organisation)}>
        {me.may('Registers.SetSubjectStatus') && own ? <Button onClick={() => setAsking(true)}>{t('subjects.setStatus')}</Button> : <MayNot method="Registers.SetSubjectStatus" what={t('subjects.setStatus')} />}
      </PageHead>
      {data.pendingChange && (
        <Alert className="page-note"
          type="warning"
          showIcon
          title={
            <span>
              {t('subjects.pending')} <Link to={pathBelow('subjects/changes', data.pendingChange)}>{t('subjects.pendingLink')}</Link>
            </span>
          }
        />
      )}
      <Section>
        <Facts
          facts={[
            [t('subjects.key'), <code key="key">{data.key}</code>],
            [t('subjects.oldNumber'), data.oldNumber && t('field.yes')],
            [t('field.district'), districtName(data.district, lang)],
            [t('subjects.industry'), data.industry],
            [t('subjects.address'), data.address],
            [t('subjects.credit'), data.creditClass || t('subjects.unclassified')],
            [t('field.createTime'), formatTime(data.createTime, lang)],
            [t('subjects.changeTime'), formatTime(data.changeTime, lang)],
          ]}
        />
      </Section>
      <SubjectHistory name={name} etag={data.etag} />
      <Confirm
        open={asking}
        title={t('subjects.setStatus')}
        okText={t('act.confirm')}
        content={[name, data.etag, other]}
        reason
        onClose={() => setAsking(false)}
        onReload={reload}
        act={async (requestId, reason) => {
          const answer = await call('Registers.SetSubjectStatus', { name, status: other, reason, etag: data.etag, requestId });
          set(answer);
          void message.success(t(answer.pendingChange ? 'subjects.asked' : 'subjects.changed'));
        }}
      >
        <Form layout="vertical">
          <Form.Item label={t('subjects.newStatus')} required>
            <Select aria-label={t('subjects.newStatus')} value={other} options={others.map((value) => ({ value, label: tEnum('subjects.status.', value) }))} onChange={setWanted} />
          </Form.Item>
        </Form>
        <p>{t('subjects.setStatusHint')}</p>
      </Confirm>
    </>
  );
}
