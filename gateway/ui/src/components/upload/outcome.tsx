import { Tag } from 'antd';
import type { Import } from '../../api/contract/common';
import { useI18n, type TextKey } from '../../i18n';
import { StateTag } from '../page';

/** What a finished import came to: everything in, part of it returned, or nothing taken in at all. */
export type Outcome = 'whole' | 'part' | 'nothing';

export function outcomeOf({ rows, returned }: Pick<Import, 'rows' | 'returned'>): Outcome {
  if (returned === '0') return 'whole';
  return Number(returned) >= Number(rows) ? 'nothing' : 'part';
}

/** The state of an import in words; one that took nothing in does not say that it is done. */
export function importStateText(done: Pick<Import, 'state' | 'rows' | 'returned'>): TextKey {
  return done.state === 'IMPORT_STATE_FINISHED' ? `import.outcome.${outcomeOf(done)}` : `import.state.${done.state}`;
}

const tones = { whole: 'success', part: 'warning', nothing: 'error' } as const;

export function ImportTag({ report }: { report: Pick<Import, 'state' | 'rows' | 'returned'> }) {
  const { t } = useI18n();
  if (report.state !== 'IMPORT_STATE_FINISHED') return <StateTag prefix="import.state." value={report.state} />;
  return (
    <Tag className={`state state-${tones[outcomeOf(report)]}`} variant="filled">
      {t(importStateText(report))}
    </Tag>
  );
}
