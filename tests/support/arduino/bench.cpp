/* Runs the bridge's sketch against an INA whose current is known: bench CHIP SECONDS [TURN_US LOST].
 *
 * The load draws 10 mA at 3.3 V, and 100 mA while the gate is high: the second quarter of each
 * second. One turn of loop() takes 50 us, TURN_US in the first second. With LOST 1 the INA does not
 * answer in the fourth quarter. Commands come from stdin at once, lines go to stdout.
 */
#include "Arduino.h"
#include "Wire.h"

#include <stdio.h>
#include <stdlib.h>

void setup();
void loop();

HardwareSerial Serial;
TwoWire Wire;

static uint64_t now_us = 4294000000ULL; /* micros() wraps in the first second */
static uint64_t begun_us = now_us;
static void (*on_edge)() = nullptr;
static bool gate = false, may_be_lost = false, lost = false;
static int chip = 228;
static double shunt_ohm = 0.1, energy_j = 0.0, charge_c = 0.0;
static uint16_t calibration = 0;
static uint8_t reg = 0, sent[3], sent_count = 0;
static uint64_t reply = 0;
static int reply_bytes = 0;

static double load_a() { return gate ? 0.1 : 0.01; }

static double lsb_a() {
  const double scale = chip == 228 ? calibration / 13107.2e6
                       : chip == 226 ? 0.00512 / calibration
                                     : 0.04096 / calibration;
  return scale / shunt_ohm;
}

static void pass(uint32_t us) {
  energy_j += load_a() * 3.3 * us * 1e-6;
  charge_c += load_a() * us * 1e-6;
  now_us += us;
  const uint64_t in_second = (now_us - begun_us) % 1000000;
  const bool high = in_second >= 250000 && in_second < 500000;
  lost = may_be_lost && in_second >= 750000;
  if (high != gate) {
    gate = high;
    if (on_edge != nullptr) {
      on_edge();
    }
  }
}

void HardwareSerial::begin(uint32_t) {}
int HardwareSerial::read() { return getchar(); }
size_t HardwareSerial::write(uint8_t byte) { return putchar(byte) == byte ? 1 : 0; }
int HardwareSerial::available() {
  const int c = getchar();
  if (c == EOF) {
    return 0;
  }
  ungetc(c, stdin);
  return 1;
}

uint32_t micros() { return (uint32_t)now_us; }
int digitalRead(uint8_t) { return gate ? 1 : 0; }
void pinMode(uint8_t, uint8_t) {}
uint8_t digitalPinToInterrupt(uint8_t pin) { return pin; }
void attachInterrupt(uint8_t, void (*handler)(), int) { on_edge = handler; }
void noInterrupts() {}
void interrupts() {}

static uint64_t read_ina() {
  if (chip == 228) {
    switch (reg) {
      case 0x3E: return 0x5449;
      case 0x3F: return 0x2281;
      case 0x05: return (uint64_t)(3.3 / 195.3125e-6 + 0.5) << 4;
      case 0x07: return (uint64_t)(load_a() / lsb_a() + 0.5) << 4;
      case 0x09: return (uint64_t)(energy_j / (51.2 * lsb_a())) & 0xFFFFFFFFFFULL;
      case 0x0A: return (uint64_t)(charge_c / lsb_a()) & 0xFFFFFFFFFFULL;
      default: return 0;
    }
  }
  switch (reg) {
    case 0xFE: return chip == 226 ? 0x5449 : 0;
    case 0xFF: return chip == 226 ? 0x2260 : 0;
    case 0x02: return chip == 226 ? (uint64_t)(3.3 / 1.25e-3 + 0.5) : 825U << 3 | 2;
    case 0x04: return (uint64_t)(load_a() / lsb_a() + 0.5);
    default: return 0;
  }
}

void TwoWire::begin() {}
void TwoWire::setClock(uint32_t) {}
void TwoWire::beginTransmission(uint8_t) { sent_count = 0; }
size_t TwoWire::write(uint8_t byte) {
  if (sent_count < sizeof sent) {
    sent[sent_count++] = byte;
  }
  return 1;
}
uint8_t TwoWire::endTransmission(bool) {
  reg = sent_count > 0 ? sent[0] : reg;
  const int at = chip == 228 ? 0x02 : 0x05;
  if (sent_count == 3 && reg == at) {
    calibration = (uint16_t)(sent[1] << 8 | sent[2]);
  } else if (sent_count == 3 && reg == 0x00 && chip == 228 && (sent[1] & 0x40) != 0) {
    energy_j = charge_c = 0.0;
  }
  return lost ? 2 : 0;
}
uint8_t TwoWire::requestFrom(uint8_t, uint8_t count) {
  reply = read_ina();
  reply_bytes = count;
  return count;
}
int TwoWire::read() {
  return reply_bytes-- > 0 ? (int)(reply >> (8 * reply_bytes) & 0xFF) : -1;
}

int main(int argc, char **argv) {
  chip = argc > 1 ? atoi(argv[1]) : 228;
  const double seconds = argc > 2 ? atof(argv[2]) : 1.0;
  const uint32_t turn_us = argc > 3 ? (uint32_t)atoi(argv[3]) : 50;
  may_be_lost = argc > 4 && atoi(argv[4]) == 1;
  setup();
  while ((double)(now_us - begun_us) < seconds * 1e6) {
    loop();
    pass(now_us - begun_us < 1000000 ? turn_us : 50);
  }
  return 0;
}
