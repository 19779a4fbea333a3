// SPDX-License-Identifier: GPL-2.0-only
/**
 * plain_f() - does nothing
 * @gone: no parameter
 */
void plain_f(void)
{
}
