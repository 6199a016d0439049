import { retentionContract } from '../contracts/retention.js'
import { SqliteSubject } from './subject.js'

retentionContract('SQLite', async () => new SqliteSubject())
