/* The same parent. */
#include "hisilicon.h"
