#include "transaction/steps.h"

bool iov_transaction_has_health(const struct iov_transaction *t)
{
	(void)t;
	return false;
}

int iov_transaction_health(const struct iov_transaction *t)
{
	(void)t;
	return IOV_OK;
}
