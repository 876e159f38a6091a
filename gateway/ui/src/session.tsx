// Who is signed in, and the organisations of the city, which nearly every page names.
import { Spin } from 'antd';
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';
import { call, setCsrfToken, setOnSignedOut } from './api/client';
import type { Role } from './api/contract/access';
import type { Methods } from './api/contract/routes';
import type { Organisation, User } from './api/contract/identity';
import type { Session } from './api/contract/session';
import { toApiError, type ApiError } from './api/errors';
import { allRows } from './api/pages';
import { ErrorPanel } from './components/error-panel';
import { useI18n } from './i18n';
import { lastPart } from './lib/names';
import { isCityWide, mayCall } from './lib/roles';

const organisationsMax = 5000;

interface Provider {
  zh: string;
  en: string;
}

interface SessionState {
  session: Session | null;
  /** Whether the session ended while the portal was in use: `session` is then whose page it was. */
  expired: boolean;
  organisations: readonly Organisation[];
  /** Name of the provider at which people may sign on; empty without one. */
  provider: Provider;
  signIn: (session: Session) => void;
  signOut: () => Promise<void>;
  reloadOrganisations: () => Promise<void>;
}

const SessionContext = createContext<SessionState | null>(null);

export function SessionProvider({ children }: { children: ReactNode }) {
  const [session, setSession] = useState<Session | null>(null);
  const [organisations, setOrganisations] = useState<readonly Organisation[]>([]);
  const [provider, setProvider] = useState<Provider>({ zh: '', en: '' });
  const [starting, setStarting] = useState(true);
  const [expired, setExpired] = useState(false);
  const [error, setError] = useState<ApiError | undefined>();

  const reloadOrganisations = useCallback(async () => {
    const { rows } = await allRows(async (pageToken) => {
      const page = await call('Identity.ListOrganisations', { pageSize: 1000, pageToken });
      return { rows: page.organisations, nextPageToken: page.nextPageToken };
    }, organisationsMax);
    setOrganisations(rows);
  }, []);

  const signIn = useCallback(
    (next: Session) => {
      setCsrfToken(next.csrfToken);
      setExpired(false);
      setSession(next);
      // Names of organisations are a comfort: without them their ids are shown.
      reloadOrganisations().catch(() => undefined);
    },
    [reloadOrganisations],
  );

  const restore = useCallback(() => {
    setStarting(true);
    setError(undefined);
    call('Sessions.GetSession', {}).then(
      (found) => {
        setProvider({ zh: found.signOnTitle, en: found.signOnTitleEn || found.signOnTitle });
        // A session without a user is a visitor's.
        if (found.user) signIn(found);
        setStarting(false);
      },
      (thrown: unknown) => {
        setError(toApiError(thrown));
        setStarting(false);
      },
    );
  }, [signIn]);

  useEffect(() => {
    setOnSignedOut(() =>
      setSession((now) => {
        if (now) setExpired(true);
        // The page stays, with what was typed in it, until somebody has signed in again.
        return now;
      }),
    );
    restore();
  }, [restore]);

  const signOut = useCallback(async () => {
    await call('Sessions.SignOut', {}).catch((thrown: unknown) => {
      if (toApiError(thrown).status !== 401) throw thrown;
    });
    setCsrfToken('');
    setExpired(false);
    setSession(null);
    setOrganisations([]);
  }, []);

  const value = useMemo<SessionState>(
    () => ({ session, expired, organisations, provider, signIn, signOut, reloadOrganisations }),
    [session, expired, organisations, provider, signIn, signOut, reloadOrganisations],
  );
  if (starting) return <Spin className="page-spin" size="large" />;
  if (error) {
    return (
      <main className="lonely">
        <ErrorPanel error={error} onRetry={restore} loading />
      </main>
    );
  }
  return <SessionContext value={value}>{children}</SessionContext>;
}

export function useSessionState(): SessionState {
  const state = useContext(SessionContext);
  if (!state) throw new Error('useSessionState outside of SessionProvider');
  return state;
}

export interface Me {
  user: User;
  /** `organisations/{organisation}` of the user. */
  organisation: string;
  roles: readonly Role[];
  demonstration: boolean;
  /** Whether the user's roles reach every organisation. */
  cityWide: boolean;
  /** Whether the user's organisation inspects, and so keeps registers and items. */
  enforces: boolean;
  may: (method: keyof Methods) => boolean;
}

/** The person signed in. Only for pages inside the shell. */
export function useMe(): Me {
  const { session } = useSessionState();
  const user = session?.user;
  if (!session || !user) throw new Error('useMe without a session');
  return useMemo(
    () => ({
      user,
      organisation: user.organisation,
      roles: user.roles,
      demonstration: session.demonstration,
      cityWide: isCityWide(user.roles),
      enforces: session.organisation?.enforcing ?? false,
      may: (method) => mayCall(method, user.roles),
    }),
    [session, user],
  );
}

/** Titles of organisations by resource name or by the last part of it. */
export function useOrganisationTitle(): (name: string) => string {
  const { organisations, session } = useSessionState();
  const { lang } = useI18n();
  return useMemo(() => {
    const known = session?.organisation ? [session.organisation, ...organisations] : organisations;
    const titles = new Map(known.map((one) => [lastPart(one.name), (lang === 'en' && one.titleEn) || one.title]));
    return (name) => titles.get(lastPart(name)) ?? lastPart(name);
  }, [organisations, session, lang]);
}
