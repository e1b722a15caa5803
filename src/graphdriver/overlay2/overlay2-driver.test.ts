import { contractFor } from '#test/support/driver.ts';
import { driverContract } from '../contract.ts';

driverContract(contractFor('overlay2'));
