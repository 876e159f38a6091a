import type { ThemeConfig } from 'antd';

// Colours that keep at least 4.5:1 against their ground (WCAG AA).
export const theme: ThemeConfig = {
  token: {
    colorPrimary: '#14598f',
    colorPrimaryHover: '#0f4a78',
    colorPrimaryActive: '#0b3a60',
    colorLink: '#14598f',
    colorLinkHover: '#0f4a78',
    colorLinkActive: '#0b3a60',
    colorInfo: '#14598f',
    colorSuccess: '#1c6b3f',
    colorWarning: '#8f5200',
    colorError: '#b3261e',
    colorText: '#1b2733',
    colorTextSecondary: '#4d5a67',
    colorTextTertiary: '#5b6873',
    colorTextDescription: '#55626f',
    colorTextPlaceholder: '#66727e',
    colorBorder: '#8a97a3',
    colorBorderSecondary: '#dfe5ea',
    colorInfoBg: '#e6f0f8',
    colorInfoBorder: '#a9c8e2',
    colorSuccessBg: '#e9f6ef',
    colorSuccessBorder: '#a5d3ba',
    colorWarningBg: '#fdf4e3',
    colorWarningBorder: '#e3b566',
    colorErrorBg: '#fdeeec',
    colorErrorBorder: '#e8a8a2',
    borderRadius: 6,
    fontFamily: '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", system-ui, sans-serif',
    // Pop-ups do not wait for the end of a motion that people have switched off.
    motion: !window.matchMedia('(prefers-reduced-motion: reduce)').matches,
    motionDurationMid: '0.12s',
    motionDurationSlow: '0.16s',
  },
};
