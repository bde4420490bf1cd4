// Two teams, a stack each, and one stack with the policies, functions and firewalls that both need: there are few of them in an account.
import { RefuseBareDistributions } from '@skerry/cdk';
import { App, Aspects } from 'aws-cdk-lib';
import { HelpStack } from './help';
import { ShopStack } from './shop';

const app = new App();
const env = { account: '123456789012', region: 'us-east-1' };
new ShopStack(app, 'shop', { env });
new HelpStack(app, 'help', { env, folder: process.env.EXAMPLE_FOLDER ?? 'two-teams' });
Aspects.of(app).add(new RefuseBareDistributions());
app.synth();
