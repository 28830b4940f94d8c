/** The stability analysis in the report: what is shown, what is left out, and which files are refused. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { renderReport } from '../../../src/report/html.ts';
import { readStability, type StabilityFindings } from '../../../src/report/stability.ts';
import { diagnosticLabels } from '../../../src/report/stabilityTable.ts';
import { evaluationFixture } from './fixture.ts';

const evaluation = evaluationFixture();
const spread = { count: 20, mean: 0.5, p5: 1e-5, median: 0.25, p95: null };

/** What `readStability` must find in a file, and the rest that a file holds. */
function findings(changes: Partial<StabilityFindings> = {}): StabilityFindings {
  return {
    model: { sha256: evaluation.model.sha256 },
    data: { count: 20 },
    threat: evaluation.threat,
    clean: { rate: 0.8, count: 20 },
    attacked: { rate: 0.5, count: 20 },
    zeroGradient: { rate: 0.05, count: 20 },
    diagnostics: Object.fromEntries(
      Object.keys(diagnosticLabels).map((name) => [name, spread]),
    ) as unknown as StabilityFindings['diagnostics'],
    profile: {
      multiples: [0, 1, 2],
      curves: [
        { direction: 'gradient', loss: [0.5, 1, 1.5], accuracy: [0.8, 0.5, 0.2] },
        { direction: 'random', loss: [0.5, 0.5, 0.6], accuracy: [0.8, 0.8, 0.7] },
      ],
    },
    bound: { certified: { rate: 0.1, count: 10 }, attacked: { rate: 0.4, count: 10 } },
    warnings: [{ code: 'W_POWER', message: 'the residual is <large>' }],
    ...changes,
  };
}

/** The section, and the whole report around it. */
function shown(stability: StabilityFindings): { section: string; report: string } {
  const report = renderReport({ evaluation, history: [], config: null, stability });
  return { section: /<section id="stability">.*?<\/section>/s.exec(report)![0], report };
}

describe('the section on stability', () => {
  test('has rates, every diagnostic, both curves and the warnings, explained', () => {
    const { section, report } = shown(findings());
    expect(section).toContain(
      'clean 80.00 %, under PGD from the image 50.00 %, gradient exactly zero 5.00 %, of the first 10 certified 10.00 %, where PGD leaves 40.00 %.',
    );
    for (const label of Object.values(diagnosticLabels)) {
      expect(section).toContain(
        `<tr><th scope="row">${label}</th><td>1.00e-5</td><td>0.2500</td><td>-</td><td>0.5000</td><td>20</td></tr>`,
      );
    }
    expect(section).toContain('At 2 eps: along gradient 1.5, at random 0.6.');
    expect(section).toContain('At 2 eps: along gradient 20 %, at random 70 %.');
    expect(section).toContain('<a href="#about-W_POWER">W_POWER</a></code> the residual is &lt;large&gt;');
    expect(report).toContain('<div id="about-W_POWER">');
  });

  test('leaves out what was not asked for', () => {
    const { section } = shown(
      findings({ bound: null, warnings: [], profile: { multiples: [1], curves: [] } }),
    );
    expect(section).not.toMatch(/certified|<svg|warnings/);
  });

  test('draws a loss that is zero everywhere', () => {
    const curves = [{ direction: 'pgd' as const, loss: [0], accuracy: [1] }];
    expect(shown(findings({ profile: { multiples: [0], curves } })).section).not.toContain('NaN');
  });

  test("does not show another network's", () => {
    const { section, report } = shown(findings({ model: { sha256: null } }));
    expect(section).toContain('stability.json beside this evaluation is of another network');
    expect(section).not.toContain('<table');
    expect(report).not.toContain('about-W_POWER');
  });
});

describe('readStability', () => {
  const folder = mkdtempSync(join(tmpdir(), 'selfgrad-stability-'));
  const path = join(folder, 'stability.json');
  afterAll(() => rmSync(folder, { recursive: true }));
  const write = (changes: object) =>
    writeFileSync(path, JSON.stringify({ schema: 'selfgrad.stability/1', ...findings(), ...changes }));

  test('is null without a file, and reads what the section shows', async () => {
    expect(await readStability(path)).toBeNull();
    write({ images: { loss: [1] } });
    expect(await readStability(path)).toMatchObject(findings());
  });

  test.each([
    [{ schema: 'selfgrad.masking/1' }, 'schema is wrong'],
    [{ diagnostics: { loss: spread } }, 'diagnostics.gradientL1 is wrong'],
    [
      { profile: { multiples: [0, 1], curves: [{ direction: 'pgd', loss: [1], accuracy: [1, 1] }] } },
      'profile.curves is wrong: a curve needs a value for each multiple',
    ],
  ])('refuses %o', async (changes, wrong) => {
    write(changes);
    await expect(readStability(path)).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringContaining(`Expected what selfgrad stability writes in ${path} but ${wrong}`),
    });
  });
});
