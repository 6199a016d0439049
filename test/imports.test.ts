import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const src = fileURLToPath(new URL('../src', import.meta.url))

/** A room of the house, by the first pattern that fits a file, and what it may import (itself always). `type:` allows types only. */
const rooms: readonly { readonly name: string; readonly files: RegExp; readonly may: readonly RegExp[]; readonly types?: readonly RegExp[] }[] = [
  {
    name: 'words',
    files: /^notifications\/(notification|draft|plain-draft|person|values|ids|recent|errors|ending|within|protocol|logger|metrics|events)\.ts$/,
    may: [],
  },
  {
    name: 'options',
    files: /^notifications\/(options|retention)\.ts$/,
    may: [/^notifications\/(notification|person|values|errors|protocol|logger)\.ts$/],
    types: [/^notifications\/store\/store\.ts$/],
  },
  {
    name: 'store',
    files: /^notifications\/store\//,
    may: [/^notifications\/(notification|person|values|recent|errors|ending|protocol|logger|metrics)\.ts$/],
  },
  { name: 'bus', files: /^notifications\/bus\//, may: [/^notifications\/(notification|errors|ending|protocol|logger)\.ts$/] },
  {
    name: 'service',
    files: /^notifications\/(service|memberships|cursors|scheduler)\.ts$/,
    may: [/^notifications\/(notification|draft|person|values|ids|recent|errors|within|protocol|logger|events)\.ts$/],
    types: [/^notifications\/(store\/store|bus\/bus)\.ts$/],
  },
  {
    name: 'hub',
    files: /^notifications\/hub\//,
    may: [/^notifications\/(notification|person|values|errors|ending|protocol|logger|metrics)\.ts$/],
    types: [/^notifications\/service\.ts$/],
  },
  {
    name: 'http',
    files: /^notifications\/http\//,
    may: [
      /^notifications\/(notification|person|values|recent|errors|within|protocol|logger|metrics|options|service|cursors)\.ts$/,
      /^notifications\/hub\//,
    ],
  },
  { name: 'plugin', files: /^notifications\//, may: [/^notifications\//] },
  { name: 'browser', files: /^browser\//, may: [/^notifications\/protocol\.ts$/] },
  { name: 'app', files: /^app\//, may: [/^notifications\/index\.ts$/] },
  { name: 'cli', files: /^(cli|bin)(\.ts$|\/)/, may: [/^app\//, /^notifications\/index\.ts$/] },
]

describe('the import table', () => {
  for (const file of sources()) {
    it(`${file} imports only what its room may`, () => {
      const room = rooms.find(({ files }) => files.test(file))
      assert.ok(room, `${file} stands in no room: give it one in this table`)
      const allowed = (target: string, typeOnly: boolean) =>
        room.files.test(target) || room.may.some((p) => p.test(target)) || (typeOnly && (room.types ?? []).some((p) => p.test(target)))
      const wrong = importsOf(file).filter(({ target, typeOnly }) => !allowed(target, typeOnly))
      assert.deepEqual(
        wrong.map(({ target }) => target),
        [],
        `the ${room.name} room may not import these`,
      )
    })
  }

  it('knows every room of the house', () => {
    for (const { name, files } of rooms)
      assert.ok(
        sources().some((file) => files.test(file)),
        `no file is in the ${name} room`,
      )
  })
})

function sources(): string[] {
  return readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
}

function importsOf(file: string): { target: string; typeOnly: boolean }[] {
  const text = readFileSync(join(src, file), 'utf8')
  const found = text.matchAll(/(?:^|\n)\s*(?:import|export)\s+(type\s)?([^'"]*?from\s*)?['"](\.[^'"]+)['"]|import\(\s*['"](\.[^'"]+)['"]\s*\)/g)
  return [...found].map(([, type, names, from, dynamic]) => {
    const target = normalize(relative(src, join(src, dirname(file), (from ?? dynamic ?? '').replace(/\.js$/, '.ts'))))
    const listed = /\{([^}]*)\}/
      .exec(names ?? '')?.[1]
      ?.split(',')
      .map((name) => name.trim())
      .filter(Boolean)
    return { target, typeOnly: type !== undefined || (listed?.every((name) => name.startsWith('type ')) ?? false) }
  })
}
