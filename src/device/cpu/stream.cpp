#include "device/stream.h"

#include "base/clock.h"
#include "base/error.h"

namespace hpml::device {

namespace {

class CpuEvent final : public Event {
  public:
    explicit CpuEvent(Seconds when) : when_(when) {}
    [[nodiscard]] bool is_done() const override { return true; }
    void synchronize() const override {}
    [[nodiscard]] Seconds since(const Event& earlier) const override {
        const auto* other = dynamic_cast<const CpuEvent*>(&earlier);
        expects(other != nullptr, "events of the same kind of device");
        return when_ - other->when_;
    }

  private:
    Seconds when_;
};

class CpuStream final : public Stream {
  public:
    void run(const std::function<void()>& work) override { work(); }
    [[nodiscard]] std::unique_ptr<Event> record() override {
        return std::make_unique<CpuEvent>(now());
    }
    void wait_for(const Event& /*event*/) override {}
    void synchronize() override {}
};

}  // namespace

std::unique_ptr<Stream> make_cpu_stream() { return std::make_unique<CpuStream>(); }

}  // namespace hpml::device
