export { createHelp } from './inbox-help.js'
export { createSelection } from './inbox-selection.js'
