// The schema as all migrations leave it, for people to read: `npm run schema` writes it.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { open } from '../src/notifications/store/open.js'

const HEAD = `-- The plugin's tables, triggers and views as all migrations together leave them. To be read, not run: migrations/notifications/sqlite makes
-- them and says why, step by step. Written by \`npm run schema\`.
--
-- The views notification_uncommon and notification_gone are procedures: a row that is inserted into one calls it, by its INSTEAD OF trigger, with a
-- seq; what they select is never read.
`

const OBJECTS = `
  SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
  ORDER BY CASE type WHEN 'table' THEN 1 WHEN 'index' THEN 2 WHEN 'view' THEN 3 ELSE 4 END, tbl_name, name`

export const schemaFile = fileURLToPath(new URL('../docs/schema.sql', import.meta.url))

export function schema(): string {
  const { db } = open(':memory:')
  const objects = db.prepare(OBJECTS).pluck().all() as string[]
  db.close()
  return `${HEAD}\n${objects.map((sql) => `${sql};\n`).join('\n')}`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(schemaFile, schema())
