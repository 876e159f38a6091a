import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bind, toQuery } from '../src/api/bind';
import { routes } from '../src/api/contract/routes';
import { texts } from '../src/i18n';
import { mayCall } from '../src/lib/roles';
// @ts-expect-error: a plain script without types
import { generate } from '../scripts/contract.mjs';

const root = join(import.meta.dirname, '..');

describe('the contract', () => {
  it.skipIf(!existsSync(join(root, '../../proto')))('is as the proto files say (npm run contract)', () => {
    for (const [file, text] of Object.entries(generate() as Record<string, string>)) expect(readFileSync(join(root, 'src/api/contract', file), 'utf8'), file).toBe(text);
  });

  it('says who may call', () => {
    expect(mayCall('Plans.PublishPlan', ['ROLE_REVIEWER'])).toBe(true);
    expect(mayCall('Plans.PublishPlan', ['ROLE_HANDLER'])).toBe(false);
    expect(mayCall('Plans.GetPlan', [])).toBe(true);
  });
});

describe('binding a request to its route', () => {
  it('puts names into the path, each part encoded', () => {
    expect(bind(routes['Registers.GetSubject'], { name: 'organisations/amr/subjects/reg:33 1' })).toEqual({ verb: 'GET', url: '/v1/organisations/amr/subjects/reg%3A33%201' });
  });

  it('sends the rest as body or query', () => {
    expect(bind(routes['Plans.PublishPlan'], { name: 'plans/2026-07', etag: 'e', requestId: 'r' })).toEqual({ verb: 'POST', url: '/v1/plans/2026-07:publish', body: '{"etag":"e","requestId":"r"}' });
    expect(bind(routes['Plans.UpdatePlan'], { plan: { name: 'plans/2026-07', title: 't' }, requestId: 'r' })).toEqual({ verb: 'PATCH', url: '/v1/plans/2026-07?requestId=r', body: '{"name":"plans/2026-07","title":"t"}' });
    expect(bind(routes['Registers.ImportSubjects'], { parent: 'organisations/amr', fileName: 'a.csv', columns: ['key=code', 'title=名称'], defaultDistrict: '410202' }).url).toBe(
      '/v1/organisations/amr/subjects:import?fileName=a.csv&columns=key%3Dcode&columns=title%3D%E5%90%8D%E7%A7%B0&defaultDistrict=410202',
    );
  });

  it('leaves out what is not set and refuses a hole in the path', () => {
    expect(toQuery({ a: '', b: undefined, c: 0, d: false, e: true })).toBe('e=true');
    expect(() => bind(routes['Plans.GetPlan'], {})).toThrow('name is missing');
  });
});

describe('texts', () => {
  it('have both languages with the same placeholders', () => {
    const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((hole) => hole[1]).sort();
    for (const [key, [zh, en]] of Object.entries(texts)) {
      expect(zh.trim(), key).not.toBe('');
      expect(en.trim(), key).not.toBe('');
      expect(holes(en), key).toEqual(holes(zh));
    }
  });

  it('name every state the contract knows', () => {
    const prefixes: Record<string, string> = { PlanState: 'plans.state.', DrawState: 'draws.state.', VisitState: 'visits.state.', ItemState: 'items.state.', UserState: 'users.state.', ImportState: 'import.state.', Role: 'role.', SubjectStatus: 'subjects.status.', PlanKind: 'plans.kind.', OrganisationKind: 'organisations.kind.', ContributorKind: 'draw.kind.' };
    for (const file of ['access', 'common', 'identity', 'catalog', 'draws']) {
      const source = readFileSync(join(root, `src/api/contract/${file}.ts`), 'utf8');
      for (const [, name, values] of source.matchAll(/export type (\w+) =\n([^;]+);/g)) {
        const prefix = prefixes[name ?? ''];
        if (!prefix) continue;
        for (const [, value] of (values ?? '').matchAll(/'(\w+)'/g)) expect(texts).toHaveProperty([`${prefix}${value}`]);
      }
    }
  });
});
