/* One file of gpio/ implements this: the output that tells a meter of inferences. */
#ifndef GPIO_H
#define GPIO_H

void gpio_start(void);
void gpio_write(int level);    /* 1 high, or let go where GATE_OPEN_DRAIN; 0 low */

#endif
