/** All that is tested of the package as hosts get it: packed, installed by npm, used by nothing of this repository. Installed once. */
import { after, before } from 'node:test'
import { describeContents } from './contents.js'
import { describeExamples } from './examples.js'
import { Installed } from './installed.js'
import { describeRecipes } from './recipes.js'
import { describeTypes } from './types.js'
import { describeWalk } from './walk.js'

let installed: Installed | undefined
before(async () => {
  installed = await Installed.make()
})
after(() => installed?.[Symbol.dispose]())

const there = (): Installed => {
  if (installed === undefined) throw new Error('not installed')
  return installed
}

describeContents(there)
describeTypes(there)
describeExamples(there)
describeWalk(there)
describeRecipes(there)
