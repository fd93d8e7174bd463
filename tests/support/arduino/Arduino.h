/* As much of Arduino's core as the bridge needs, on this computer: the clock moves as it is read. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { INPUT_PULLUP, CHANGE };

class HardwareSerial {
 public:
  void begin(uint32_t baud);
  int available();
  int read();
  size_t write(uint8_t byte);
};
extern HardwareSerial Serial;

uint32_t micros();
int digitalRead(uint8_t pin);
void pinMode(uint8_t pin, uint8_t mode);
uint8_t digitalPinToInterrupt(uint8_t pin);
void attachInterrupt(uint8_t interrupt, void (*handler)(), int mode);
void noInterrupts();
void interrupts();

template <typename T>
T constrain(T value, T low, T high) {
  return value < low ? low : value > high ? high : value;
}
