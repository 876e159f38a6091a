import { Select } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { call } from '../api/client';
import { isAbort } from '../api/errors';
import { useI18n } from '../i18n';

interface PickerProps {
  id?: string;
  value?: string;
  onChange?: (value: string) => void;
  parent: string;
  placeholder?: string;
}

type Option = { value: string; label: string };

/** Asks the server a little after typing has paused, and drops answers that come too late. */
function useRemoteOptions(find: (text: string, signal: AbortSignal) => Promise<Option[]>) {
  const [options, setOptions] = useState<Option[]>([]);
  const [busy, setBusy] = useState(false);
  const [text, setText] = useState('');
  const latest = useRef(find);
  latest.current = find;
  useEffect(() => {
    const ending = new AbortController();
    const waiting = setTimeout(() => {
      setBusy(true);
      latest.current(text, ending.signal).then(
        (found) => {
          setOptions(found);
          setBusy(false);
        },
        (thrown: unknown) => {
          if (!isAbort(thrown)) {
            setOptions([]);
            setBusy(false);
          }
        },
      );
    }, 250);
    return () => {
      clearTimeout(waiting);
      ending.abort();
    };
  }, [text]);
  return { options, busy, setText };
}

/** Finds something of the server's by words. */
export function RemoteSelect({ id, value, onChange, placeholder, find }: Omit<PickerProps, 'parent'> & { find: (text: string, signal: AbortSignal) => Promise<Option[]> }) {
  const { t } = useI18n();
  const { options, busy, setText } = useRemoteOptions(find);
  return <Select id={id} value={value} onChange={onChange} options={options} loading={busy} placeholder={placeholder} notFoundContent={t(busy ? 'list.loading' : 'list.empty')} showSearch={{ filterOption: false, onSearch: setText }} />;
}

/** Finds a subject of a register by code or name; its value is the key. */
export function SubjectPicker({ parent, ...rest }: PickerProps) {
  return (
    <RemoteSelect
      {...rest}
      find={async (query, signal) => {
        const page = await call('Registers.ListSubjects', { parent, query, pageSize: 20 }, signal);
        return page.subjects.map((one) => ({ value: one.key, label: `${one.title} ${one.key}` }));
      }}
    />
  );
}

/** Finds an officer by certificate number. */
export function OfficerPicker({ parent, ...rest }: PickerProps) {
  return (
    <RemoteSelect
      {...rest}
      find={async (query, signal) => {
        const page = await call('Registers.ListOfficers', { parent, query, pageSize: 20 }, signal);
        return page.officers.map((one) => ({ value: one.key, label: one.key }));
      }}
    />
  );
}
